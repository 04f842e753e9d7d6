@echo off
rem Firewright: brings back the firewall that the last apply.cmd has saved, all of it, and ends a
rem trial. What others have changed since then is lost. Run it as an administrator.
rem
rem Exit code: 0 done; 3 refused.
setlocal EnableExtensions DisableDelayedExpansion
set "FW_STATE=%SystemRoot%\firewright"
set "FW_NETSH=%SystemRoot%\System32\netsh.exe"
set "FW_TASKS=%SystemRoot%\System32\schtasks.exe"
set "FW_TASK=firewright-rollback"
if not exist "%FW_STATE%\backup.wfw" goto no_backup
"%FW_NETSH%" advfirewall import "%FW_STATE%\backup.wfw" >nul || goto refused
del "%FW_STATE%\trial.txt" "%FW_STATE%\generation.txt" >nul 2>&1
if exist "%FW_STATE%\before.txt" copy /y "%FW_STATE%\before.txt" "%FW_STATE%\generation.txt" >nul
"%FW_TASKS%" /delete /f /tn %FW_TASK% >nul 2>&1
echo rolled back
exit /b 0

:no_backup
echo firewright: there is no %FW_STATE%\backup.wfw to go back to 1>&2
exit /b 3
:refused
echo firewright: netsh refused to import the backup; run this as an administrator 1>&2
exit /b 3
