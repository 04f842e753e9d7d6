#include "backends/netsh/driver.h"

#include <initializer_list>
#include <string_view>
#include <utility>

namespace firewright::netsh {
namespace {

// A batch file under construction: lines with CR and LF.
class Batch {
 public:
  void operator()(std::string_view line) {
    text_ += line;
    text_ += "\r\n";
  }
  void operator()(std::initializer_list<std::string_view> lines) {
    for (const auto line : lines) (*this)(line);
  }
  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

constexpr std::string_view netsh = R"("%FW_NETSH%" )";

std::string run_file(std::string_view file, std::string_view on_failure) {
  return std::string(netsh) + "-f \"%FW_HERE%" + std::string(file) + "\" 1>&2 || goto " +
         std::string(on_failure);
}

void head(Batch& batch) {
  batch({
      "setlocal EnableExtensions DisableDelayedExpansion",
      R"(set "FW_STATE=%SystemRoot%\firewright")",
      R"(set "FW_NETSH=%SystemRoot%\System32\netsh.exe")",
      R"(set "FW_TASKS=%SystemRoot%\System32\schtasks.exe")",
      R"(set "FW_TASK=firewright-rollback")",
  });
}

void options(Batch& batch) {
  batch({
      R"(set "FW_OLD=")",
      R"(set "FW_TRIAL=")",
      R"(set "FW_FORCE=")",
      R"(if "%~1"=="" goto start)",
      R"(if not "%~2"=="" goto usage)",
      R"(if /i "%~1"=="/keep" goto keep)",
      R"(if /i "%~1"=="/trial" set "FW_TRIAL=1")",
      R"(if /i "%~1"=="/force" set "FW_FORCE=1")",
      "if defined FW_TRIAL goto start",
      "if defined FW_FORCE goto start",
      ":usage",
      "echo usage: apply.cmd [/trial, /keep or /force] 1>&2",
      "exit /b 2",
      "",
  });
}

void before_anything(Batch& batch) {
  batch({
      ":start",
      R"(if not exist "%FW_STATE%\." mkdir "%FW_STATE%" >nul 2>&1)",
      R"(del "%FW_STATE%\probe.txt" >nul 2>&1)",
      R"(>"%FW_STATE%\probe.txt" echo firewright)",
      R"(if not exist "%FW_STATE%\probe.txt" goto not_elevated)",
      R"(del "%FW_STATE%\probe.txt" >nul 2>&1)",
      "",
      "rem A task that is waiting to roll back: a trial, or an apply that has died.",
      R"("%FW_TASKS%" /query /tn %FW_TASK% >nul 2>&1 && goto pending)",
      "",
      "rem Rules and defaults of a group policy may overrule what is loaded here.",
      R"("%SystemRoot%\System32\reg.exe" query "HKLM\SOFTWARE\Policies\Microsoft\WindowsFirewall" >nul 2>&1 && echo firewright: warning: a group policy sets Windows Firewall and may overrule this policy 1>&2)",
      "",
      R"(if not exist "%FW_STATE%\generation.txt" goto change)",
      R"("%SystemRoot%\System32\findstr.exe" /r /x "firewright-[0-9a-f][0-9a-f]*" "%FW_STATE%\generation.txt" >nul || goto bad_state)",
      R"(set /p FW_OLD=<"%FW_STATE%\generation.txt")",
      R"(if not "%FW_OLD%"=="%FW_NEW%" goto change)",
      "if defined FW_FORCE goto change",
      "",
  });
}

void unchanged(Batch& batch, const Generation& generation) {
  batch("rem The same generation: its rules stay as they are, and the defaults are set once more.");
  if (!generation.allows.empty())
    batch(R"("%FW_NETSH%" advfirewall firewall show rule name=%FW_NEW% >nul 2>&1 || goto change)");
  if (!generation.blocks.empty())
    batch(
        R"("%FW_NETSH%" advfirewall firewall show rule name=%FW_NEW%-block >nul 2>&1 || goto change)");
  batch(run_file(default_file, "not_set"));
  batch(run_file(on_file, "not_set"));
  batch({"echo unchanged %FW_NEW%", "exit /b 0", ""});
}

void save(Batch& batch) {
  batch({
      ":change",
      "rem The way back: all of the present firewall, and a task that restores it unless it is "
      "called",
      "rem off. Nothing has changed so far.",
      R"(del "%FW_STATE%\new.wfw" >nul 2>&1)",
      R"("%FW_NETSH%" advfirewall export "%FW_STATE%\new.wfw" >nul || goto no_backup)",
      R"(if not exist "%FW_STATE%\new.wfw" goto no_backup)",
      R"(copy /y "%FW_HERE%rollback.cmd" "%FW_STATE%\rollback.cmd" >nul || goto no_backup)",
      R"(move /y "%FW_STATE%\new.wfw" "%FW_STATE%\backup.wfw" >nul || goto no_backup)",
      R"(del "%FW_STATE%\trial.txt" "%FW_STATE%\before.txt" >nul 2>&1)",
      R"(if exist "%FW_STATE%\before.txt" goto no_backup)",
      R"(if defined FW_OLD copy /y "%FW_STATE%\generation.txt" "%FW_STATE%\before.txt" >nul || goto no_backup)",
      "call :arm || goto no_task",
      "",
  });
}

void add(Batch& batch, const Generation& generation) {
  if (!generation.allows.empty() || !generation.blocks.empty()) {
    batch(
        "rem The new generation, beside the old one. To find nothing to delete is the usual case.");
    batch(std::string(netsh) + "-f \"%FW_HERE%" + std::string(clean_file) + "\" >nul 2>&1");
    if (!generation.allows.empty())
      batch(R"("%FW_NETSH%" advfirewall firewall show rule name=%FW_NEW% >nul 2>&1 && goto undo)");
    if (!generation.blocks.empty())
      batch(
          R"("%FW_NETSH%" advfirewall firewall show rule name=%FW_NEW%-block >nul 2>&1 && goto undo)");
  }
  if (!generation.blocks.empty()) batch(run_file(block_file, "undo"));
  if (!generation.allows.empty()) batch(run_file(allow_file, "undo"));
  // The rules may have taken so long that the firewall of before is back already.
  batch({R"("%FW_TASKS%" /query /tn %FW_TASK% >nul 2>&1 || goto undo)", "call :arm || goto undo",
         ""});
}

void take_over(Batch& batch, const Generation& generation) {
  batch("rem From here on the old firewall gives way; a failure brings all of it back.");
  batch(run_file(default_file, "back"));
  batch({
      "if not defined FW_OLD goto others",
      R"(if "%FW_OLD%"=="%FW_NEW%" goto others)",
      R"("%FW_NETSH%" advfirewall firewall delete rule name=%FW_OLD% >nul 2>&1)",
      R"("%FW_NETSH%" advfirewall firewall show rule name=%FW_OLD% >nul 2>&1 && goto back)",
      ":others",
  });
  if (generation.disables_inbound || generation.disables_outbound)
    batch(run_file(others_file, "back"));
  batch({
      "if not defined FW_OLD goto on",
      R"(if "%FW_OLD%"=="%FW_NEW%" goto on)",
      R"("%FW_NETSH%" advfirewall firewall delete rule name=%FW_OLD%-block >nul 2>&1)",
      R"("%FW_NETSH%" advfirewall firewall show rule name=%FW_OLD%-block >nul 2>&1 && goto back)",
      ":on",
  });
  batch(run_file(on_file, "back"));
  batch({
      R"(del "%FW_STATE%\generation.txt" >nul 2>&1)",
      R"(>"%FW_STATE%\generation.txt" echo %FW_NEW%)",
      R"(if not exist "%FW_STATE%\generation.txt" goto back)",
      "if defined FW_TRIAL goto trial",
      "call :disarm || goto armed",
      "echo changed %FW_NEW%",
      "exit /b 0",
      "",
      ":trial",
      R"(>"%FW_STATE%\trial.txt" echo %FW_NEW%)",
      "echo changed %FW_NEW%",
      "echo firewright: back to the old firewall in 15 minutes, unless you run: apply.cmd /keep "
      "1>&2",
      "exit /b 0",
      "",
      ":keep",
      R"(if not exist "%FW_STATE%\trial.txt" goto no_trial)",
      "call :disarm || goto armed",
      R"(del "%FW_STATE%\trial.txt" >nul 2>&1)",
      "echo kept",
      "exit /b 0",
      "",
  });
}

void failures(Batch& batch, const Generation& generation) {
  batch({
      "rem Failures. Those before the defaults are touched take the new rules out again.",
      ":undo",
      "echo firewright: the new rules could not be added; they are taken out again 1>&2",
  });
  if (!generation.allows.empty())
    batch(R"("%FW_NETSH%" advfirewall firewall delete rule name=%FW_NEW% >nul 2>&1)");
  if (!generation.blocks.empty())
    batch(R"("%FW_NETSH%" advfirewall firewall delete rule name=%FW_NEW%-block >nul 2>&1)");
  // With /force, or after someone deleted a part of this generation, the rules that were taken out
  // are those of the firewall before: only the backup has them.
  batch({
      R"(if "%FW_OLD%"=="%FW_NEW%" goto back)",
      "call :disarm || goto armed",
      "exit /b 3",
      "",
      ":back",
      "echo firewright: the new firewall could not be loaded; the old one is restored 1>&2",
      R"(call "%FW_STATE%\rollback.cmd" >nul && exit /b 3)",
      "echo firewright: the old firewall could not be restored; another try is made in 15 minutes "
      "1>&2",
      "exit /b 3",
      "",
      ":not_elevated",
      "echo firewright: cannot write to %FW_STATE%; run this as an administrator 1>&2",
      "exit /b 3",
      ":no_trial",
      "echo firewright: there is no trial to end 1>&2",
      "exit /b 3",
      ":pending",
      R"(if exist "%FW_STATE%\trial.txt" echo firewright: a trial is running; end it with apply.cmd /keep or rollback.cmd 1>&2)",
      R"(if not exist "%FW_STATE%\trial.txt" echo firewright: an earlier apply.cmd did not end; run rollback.cmd 1>&2)",
      "exit /b 3",
      ":bad_state",
      "echo firewright: %FW_STATE%\\generation.txt does not name a generation; nothing was changed "
      "1>&2",
      "exit /b 3",
      ":no_backup",
      "echo firewright: the present firewall cannot be saved; nothing was changed 1>&2",
      "exit /b 3",
      ":no_task",
      "echo firewright: the rollback cannot be scheduled; nothing was changed 1>&2",
      "exit /b 3",
      ":not_set",
      "echo firewright: netsh refused the defaults 1>&2",
      "exit /b 3",
      ":armed",
      "echo firewright: the scheduled rollback cannot be called off: delete the task %FW_TASK% "
      "1>&2",
      "exit /b 3",
      "",
  });
}

void tasks(Batch& batch) {
  batch({
      "rem Restores the backup 15 minutes from now, and again every 15 minutes until that works.",
      ":arm",
      R"("%FW_TASKS%" /create /f /tn %FW_TASK% /sc minute /mo 15 /ru SYSTEM /tr "%FW_STATE%\rollback.cmd" >nul || exit /b 1)",
      "exit /b 0",
      "",
      ":disarm",
      R"("%FW_TASKS%" /delete /f /tn %FW_TASK% >nul || exit /b 1)",
      "exit /b 0",
  });
}

}  // namespace

std::string apply_script(const Generation& generation) {
  Batch batch;
  batch({
      "@echo off",
      "rem Firewright: loads one generation of rules into Windows Firewall. Run it as an "
      "administrator.",
      "rem",
      "rem   apply.cmd         loads it, or finds it loaded: prints changed or unchanged",
      "rem   apply.cmd /trial  loads it and goes back after 15 minutes, unless it is kept",
      "rem   apply.cmd /keep   keeps what is on trial",
      "rem   apply.cmd /force  writes its rules anew, with a moment in which they are missing",
      "rem",
      "rem Exit code: 0 changed, unchanged or kept; 2 usage; 3 refused, and the old firewall "
      "stands.",
  });
  head(batch);
  batch("set \"FW_NEW=" + generation.name + "\"");
  batch(R"(set "FW_HERE=%~dp0")");
  options(batch);
  before_anything(batch);
  unchanged(batch, generation);
  save(batch);
  add(batch, generation);
  take_over(batch, generation);
  failures(batch, generation);
  tasks(batch);
  return batch.take();
}

std::string rollback_script() {
  Batch batch;
  batch({
      "@echo off",
      "rem Firewright: brings back the firewall that the last apply.cmd has saved, all of it, and "
      "ends a",
      "rem trial. What others have changed since then is lost. Run it as an administrator.",
      "rem",
      "rem Exit code: 0 done; 3 refused.",
  });
  head(batch);
  batch({
      R"(if not exist "%FW_STATE%\backup.wfw" goto no_backup)",
      R"("%FW_NETSH%" advfirewall import "%FW_STATE%\backup.wfw" >nul || goto refused)",
      R"(del "%FW_STATE%\trial.txt" "%FW_STATE%\generation.txt" >nul 2>&1)",
      R"(if exist "%FW_STATE%\before.txt" copy /y "%FW_STATE%\before.txt" "%FW_STATE%\generation.txt" >nul)",
      R"("%FW_TASKS%" /delete /f /tn %FW_TASK% >nul 2>&1)",
      "echo rolled back",
      "exit /b 0",
      "",
      ":no_backup",
      R"(echo firewright: there is no %FW_STATE%\backup.wfw to go back to 1>&2)",
      "exit /b 3",
      ":refused",
      "echo firewright: netsh refused to import the backup; run this as an administrator 1>&2",
      "exit /b 3",
  });
  return batch.take();
}

}  // namespace firewright::netsh
