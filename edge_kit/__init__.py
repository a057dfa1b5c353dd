"""Train networks on films; the command line of the workstation."""
