#include "compiler/report/style.h"

namespace firewright::report {

// Every pair of text and background has a contrast of 4.5 and more; the browser test measures it.
std::string_view style_sheet() {
  return R"css(
:root {
  color-scheme: light dark;
  --page: #f4f5f7; --paper: #ffffff; --line: #d9dde3; --text: #1a1e24; --quiet: #555e6a;
  --link: #0a53b8; --focus: #0a53b8;
  --yes: #d7f2de; --yes-text: #0e5227; --part: #fdecc2; --part-text: #614000;
  --limited: #d9e8ff; --limited-text: #0b4390; --bad: #ffe0dc; --bad-text: #8c1b12;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #101317; --paper: #191d23; --line: #323943; --text: #e8ebef; --quiet: #a6b0bc;
    --link: #8fbcff; --focus: #8fbcff;
    --yes: #123c21; --yes-text: #98e5ae; --part: #43320a; --part-text: #f5d585;
    --limited: #143560; --limited-text: #b3d2ff; --bad: #521a15; --bad-text: #ffbdb5;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0; background: var(--page); color: var(--text);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif;
  overflow-wrap: anywhere;
}
header, main, footer { max-width: 80rem; margin: 0 auto; padding: 0 1rem; }
header { padding-top: 2rem; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .25rem; }
h2 { font-size: 1.3rem; line-height: 1.3; margin: 0 0 .25rem; }
h3 { font-size: 1rem; margin: 1.25rem 0 .25rem; }
h3::first-letter { text-transform: uppercase; }
p { margin: .25rem 0 .75rem; }
a { color: var(--link); }
:focus-visible { outline: 3px solid var(--focus); outline-offset: 2px; border-radius: 3px; }
code { font: .875em/1.4 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
.quiet { color: var(--quiet); }
.lines caption, .hidden { position: absolute; width: 1px; height: 1px; overflow: hidden;
  clip-path: inset(50%); white-space: nowrap; }
.skip {
  position: absolute; left: -999px; background: var(--paper); color: var(--link);
  padding: .5rem 1rem;
}
.skip:focus { left: 1rem; top: .5rem; z-index: 2; }
.facts { list-style: none; margin: .75rem 0; padding: 0; display: flex; flex-wrap: wrap; gap: .5rem; }
.facts li { border: 1px solid var(--line); background: var(--paper); border-radius: 999px;
  padding: .1rem .75rem; font-size: .9rem; }
nav ul { list-style: none; padding: 0; margin: 0; display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; }
nav a { display: inline-block; padding: .3rem 0; }
section { background: var(--paper); border: 1px solid var(--line); border-radius: 12px;
  padding: 1.25rem; margin: 1.25rem 0; }
.sides { display: grid; gap: 1.25rem; }
.sides > div { min-width: 0; }
@media (min-width: 56rem) { .sides { grid-template-columns: 1fr 1fr; } }

.openings { list-style: none; margin: .75rem 0 0; padding: 0; display: grid; gap: .75rem; }
@media (min-width: 44rem) {
  .openings { grid-template-columns: repeat(auto-fill, minmax(19rem, 1fr)); }
  .sides .openings { grid-template-columns: 1fr; }
}
.openings li { border-left: 4px solid var(--line); padding: .1rem 0 .1rem .75rem; }
.openings .risky { border-left-color: var(--bad-text); }
.openings strong { font-size: 1.1rem; margin-right: .35rem; }
.openings p { margin: 0; font-size: .9rem; }

.tag { display: inline-block; border-radius: 4px; padding: 0 .45rem; font-size: .85rem;
  font-weight: 600; white-space: nowrap; }
.yes { background: var(--yes); color: var(--yes-text); }
.part { background: var(--part); color: var(--part-text); }
.limited { background: var(--limited); color: var(--limited-text); }
.bad { background: var(--bad); color: var(--bad-text); }
.no, .empty { color: var(--quiet); }

.scroll { overflow-x: auto; margin: .75rem -1.25rem 0; padding: 0 1.25rem; }
table { border-collapse: collapse; width: 100%; font-size: .95rem; }
caption { text-align: left; color: var(--quiet); font-size: .9rem; padding-bottom: .5rem; }
th { text-align: left; font-weight: 600; }
.matrix { width: auto; min-width: 60%; }
.matrix th { overflow-wrap: break-word; }
.matrix th, .matrix td { border: 1px solid var(--line); padding: .4rem .6rem; vertical-align: top; }
.matrix thead th { vertical-align: bottom; min-width: 5.5rem; max-width: 14rem; }
.matrix tbody th { min-width: 8rem; max-width: 20rem; position: sticky; left: -1.25rem;
  background: var(--paper); }
.matrix td { text-align: center; font-weight: 600; }
.matrix td.no, .matrix td.empty { font-weight: 400; }
.matrix .about { display: block; font-weight: 400; font-size: .8rem; color: var(--quiet);
  overflow-wrap: normal; white-space: nowrap; }
.matrix td.changed { box-shadow: inset 0 0 0 3px var(--focus); }
.matrix td .was { display: block; font-weight: 400; font-size: .85rem; }
.matrix details { min-width: 7rem; }
.matrix details ul { margin: .35rem 0 0; padding-left: 1.1rem; text-align: left; font-weight: 400;
  font-size: .9rem; min-width: 11rem; }
@media (max-width: 40rem) {
  section { padding: 1rem; }
  .scroll { margin: .75rem -1rem 0; padding: 0 1rem; }
  .matrix { font-size: .9rem; }
  .matrix th, .matrix td { padding: .35rem .4rem; }
  .matrix thead th { min-width: 3.25rem; }
  .matrix tbody th { min-width: 5.5rem; max-width: 9rem; left: -1rem; }
  .matrix tbody .about { white-space: normal; overflow-wrap: anywhere; }
  .matrix details { min-width: 5rem; }
}
summary { cursor: pointer; }
summary:focus-visible { outline-color: currentColor; }

.lines { display: block; margin-top: .75rem; }
.lines thead { display: none; }
.lines tbody { display: grid; gap: 1rem; }
.lines tr { display: grid; gap: .15rem; border-top: 1px solid var(--line); padding-top: .85rem; }
.lines th { font-size: 1.05rem; }
.lines td { padding: 0; }
.lines td[data-name]::before { content: attr(data-name) ": "; color: var(--quiet); }
.lines td:empty { display: none; }
.lines dl { margin: 0; display: flex; flex-wrap: wrap; gap: 0 1rem; }
.lines dl div { display: flex; gap: .35rem; }
.lines dt { color: var(--quiet); white-space: nowrap; }
.lines dd { margin: 0; }
.lines ul { margin: 0; padding-left: 1.1rem; }
.lines .tag { margin-right: .4rem; }
@media (min-width: 56rem) {
  .wide.lines { display: table; }
  .wide.lines thead { display: table-header-group; }
  .wide.lines tbody { display: table-row-group; }
  .wide.lines tr { display: table-row; }
  .wide.lines th, .wide.lines td, .wide.lines td:empty { display: table-cell;
    border-top: 1px solid var(--line); padding: .55rem .9rem .55rem 0; vertical-align: top;
    font-size: .95rem; overflow-wrap: break-word; }
  .wide.lines thead th { border-top: 0; color: var(--quiet); font-weight: 600; font-size: .85rem; }
  .wide.lines td[data-name]::before { content: none; }
  .wide.lines th:first-child { width: 30%; }
  .wide.lines td[data-name="Written at"] { overflow-wrap: anywhere; min-width: 8rem; }
  .wide.lines td[data-name="Expires"] { min-width: 7rem; }
}
footer { color: var(--quiet); font-size: .9rem; padding-bottom: 3rem; }
.changes { margin: .5rem 0 0; padding-left: 1.1rem; }
.changes li { margin-bottom: .5rem; }
@media print {
  body { background: #ffffff; }
  .skip, nav { display: none; }
  section { break-inside: avoid; border: 0; padding: 0; }
}
)css";
}

}  // namespace firewright::report
