@echo off
rem Removes what install.bat put on this machine: uninstall.bat [FOLDER]
where py >nul 2>&1 && (
    py -@PYTHON@ "%~dp0uninstall.py" %*
    exit /b
)
where python >nul 2>&1 && (
    python "%~dp0uninstall.py" %*
    exit /b
)
echo uninstall: there is no Python; delete the folder of this file 1>&2
exit /b 2
