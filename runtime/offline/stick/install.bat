@echo off
rem Installs edge-run from this folder, without a network: install.bat [--uninstall] [FOLDER]
where py >nul 2>&1 && (
    py -@PYTHON@ "%~dp0install.py" %*
    exit /b
)
where python >nul 2>&1 && (
    python "%~dp0install.py" %*
    exit /b
)
echo install: there is no Python; install Python @PYTHON@ first 1>&2
exit /b 2
