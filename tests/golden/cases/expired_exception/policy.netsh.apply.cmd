@echo off
rem Firewright: loads one generation of rules into Windows Firewall. Run it as an administrator.
rem
rem   apply.cmd         loads it, or finds it loaded: prints changed or unchanged
rem   apply.cmd /trial  loads it and goes back after 15 minutes, unless it is kept
rem   apply.cmd /keep   keeps what is on trial
rem   apply.cmd /force  writes its rules anew, with a moment in which they are missing
rem
rem Exit code: 0 changed, unchanged or kept; 2 usage; 3 refused, and the old firewall stands.
setlocal EnableExtensions DisableDelayedExpansion
set "FW_STATE=%SystemRoot%\firewright"
set "FW_NETSH=%SystemRoot%\System32\netsh.exe"
set "FW_TASKS=%SystemRoot%\System32\schtasks.exe"
set "FW_TASK=firewright-rollback"
set "FW_NEW=firewright-966bdfddf6d0b477"
set "FW_HERE=%~dp0"
set "FW_OLD="
set "FW_TRIAL="
set "FW_FORCE="
if "%~1"=="" goto start
if not "%~2"=="" goto usage
if /i "%~1"=="/keep" goto keep
if /i "%~1"=="/trial" set "FW_TRIAL=1"
if /i "%~1"=="/force" set "FW_FORCE=1"
if defined FW_TRIAL goto start
if defined FW_FORCE goto start
:usage
echo usage: apply.cmd [/trial, /keep or /force] 1>&2
exit /b 2

:start
if not exist "%FW_STATE%\." mkdir "%FW_STATE%" >nul 2>&1
del "%FW_STATE%\probe.txt" >nul 2>&1
>"%FW_STATE%\probe.txt" echo firewright
if not exist "%FW_STATE%\probe.txt" goto not_elevated
del "%FW_STATE%\probe.txt" >nul 2>&1

rem A task that is waiting to roll back: a trial, or an apply that has died.
"%FW_TASKS%" /query /tn %FW_TASK% >nul 2>&1 && goto pending

rem Rules and defaults of a group policy may overrule what is loaded here.
"%SystemRoot%\System32\reg.exe" query "HKLM\SOFTWARE\Policies\Microsoft\WindowsFirewall" >nul 2>&1 && echo firewright: warning: a group policy sets Windows Firewall and may overrule this policy 1>&2

if not exist "%FW_STATE%\generation.txt" goto change
"%SystemRoot%\System32\findstr.exe" /r /x "firewright-[0-9a-f][0-9a-f]*" "%FW_STATE%\generation.txt" >nul || goto bad_state
set /p FW_OLD=<"%FW_STATE%\generation.txt"
if not "%FW_OLD%"=="%FW_NEW%" goto change
if defined FW_FORCE goto change

rem The same generation: its rules stay as they are, and the defaults are set once more.
"%FW_NETSH%" advfirewall firewall show rule name=%FW_NEW% >nul 2>&1 || goto change
"%FW_NETSH%" -f "%FW_HERE%40-default.txt" 1>&2 || goto not_set
"%FW_NETSH%" -f "%FW_HERE%60-on.txt" 1>&2 || goto not_set
echo unchanged %FW_NEW%
exit /b 0

:change
rem The way back: all of the present firewall, and a task that restores it unless it is called
rem off. Nothing has changed so far.
del "%FW_STATE%\new.wfw" >nul 2>&1
"%FW_NETSH%" advfirewall export "%FW_STATE%\new.wfw" >nul || goto no_backup
if not exist "%FW_STATE%\new.wfw" goto no_backup
copy /y "%FW_HERE%rollback.cmd" "%FW_STATE%\rollback.cmd" >nul || goto no_backup
move /y "%FW_STATE%\new.wfw" "%FW_STATE%\backup.wfw" >nul || goto no_backup
del "%FW_STATE%\trial.txt" "%FW_STATE%\before.txt" >nul 2>&1
if exist "%FW_STATE%\before.txt" goto no_backup
if defined FW_OLD copy /y "%FW_STATE%\generation.txt" "%FW_STATE%\before.txt" >nul || goto no_backup
call :arm || goto no_task

rem The new generation, beside the old one. To find nothing to delete is the usual case.
"%FW_NETSH%" -f "%FW_HERE%10-clean.txt" >nul 2>&1
"%FW_NETSH%" advfirewall firewall show rule name=%FW_NEW% >nul 2>&1 && goto undo
"%FW_NETSH%" -f "%FW_HERE%30-allow.txt" 1>&2 || goto undo
"%FW_TASKS%" /query /tn %FW_TASK% >nul 2>&1 || goto undo
call :arm || goto undo

rem From here on the old firewall gives way; a failure brings all of it back.
"%FW_NETSH%" -f "%FW_HERE%40-default.txt" 1>&2 || goto back
if not defined FW_OLD goto others
if "%FW_OLD%"=="%FW_NEW%" goto others
"%FW_NETSH%" advfirewall firewall delete rule name=%FW_OLD% >nul 2>&1
"%FW_NETSH%" advfirewall firewall show rule name=%FW_OLD% >nul 2>&1 && goto back
:others
"%FW_NETSH%" -f "%FW_HERE%50-others.txt" 1>&2 || goto back
if not defined FW_OLD goto on
if "%FW_OLD%"=="%FW_NEW%" goto on
"%FW_NETSH%" advfirewall firewall delete rule name=%FW_OLD%-block >nul 2>&1
"%FW_NETSH%" advfirewall firewall show rule name=%FW_OLD%-block >nul 2>&1 && goto back
:on
"%FW_NETSH%" -f "%FW_HERE%60-on.txt" 1>&2 || goto back
del "%FW_STATE%\generation.txt" >nul 2>&1
>"%FW_STATE%\generation.txt" echo %FW_NEW%
if not exist "%FW_STATE%\generation.txt" goto back
if defined FW_TRIAL goto trial
call :disarm || goto armed
echo changed %FW_NEW%
exit /b 0

:trial
>"%FW_STATE%\trial.txt" echo %FW_NEW%
echo changed %FW_NEW%
echo firewright: back to the old firewall in 15 minutes, unless you run: apply.cmd /keep 1>&2
exit /b 0

:keep
if not exist "%FW_STATE%\trial.txt" goto no_trial
call :disarm || goto armed
del "%FW_STATE%\trial.txt" >nul 2>&1
echo kept
exit /b 0

rem Failures. Those before the defaults are touched take the new rules out again.
:undo
echo firewright: the new rules could not be added; they are taken out again 1>&2
"%FW_NETSH%" advfirewall firewall delete rule name=%FW_NEW% >nul 2>&1
if "%FW_OLD%"=="%FW_NEW%" goto back
call :disarm || goto armed
exit /b 3

:back
echo firewright: the new firewall could not be loaded; the old one is restored 1>&2
call "%FW_STATE%\rollback.cmd" >nul && exit /b 3
echo firewright: the old firewall could not be restored; another try is made in 15 minutes 1>&2
exit /b 3

:not_elevated
echo firewright: cannot write to %FW_STATE%; run this as an administrator 1>&2
exit /b 3
:no_trial
echo firewright: there is no trial to end 1>&2
exit /b 3
:pending
if exist "%FW_STATE%\trial.txt" echo firewright: a trial is running; end it with apply.cmd /keep or rollback.cmd 1>&2
if not exist "%FW_STATE%\trial.txt" echo firewright: an earlier apply.cmd did not end; run rollback.cmd 1>&2
exit /b 3
:bad_state
echo firewright: %FW_STATE%\generation.txt does not name a generation; nothing was changed 1>&2
exit /b 3
:no_backup
echo firewright: the present firewall cannot be saved; nothing was changed 1>&2
exit /b 3
:no_task
echo firewright: the rollback cannot be scheduled; nothing was changed 1>&2
exit /b 3
:not_set
echo firewright: netsh refused the defaults 1>&2
exit /b 3
:armed
echo firewright: the scheduled rollback cannot be called off: delete the task %FW_TASK% 1>&2
exit /b 3

rem Restores the backup 15 minutes from now, and again every 15 minutes until that works.
:arm
"%FW_TASKS%" /create /f /tn %FW_TASK% /sc minute /mo 15 /ru SYSTEM /tr "%FW_STATE%\rollback.cmd" >nul || exit /b 1
exit /b 0

:disarm
"%FW_TASKS%" /delete /f /tn %FW_TASK% >nul || exit /b 1
exit /b 0
