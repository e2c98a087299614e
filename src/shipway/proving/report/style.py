"""The style of a proof's page: light and dark, for phones and for print."""

STYLE = """
:root{color-scheme:light dark;--paper:#f6f7f9;--card:#fff;--ink:#1b1f24;--soft:#59636e;--line:#d8dee4;--bar:#3b6fd4;
--good:#1a7f45;--good-b:#e3f5ea;--doubt:#8a5a00;--doubt-b:#fff3d6;--bad:#b3261e;--bad-b:#fdeceb;--none:#59636e;--none-b:#eceff2;
--all:#c8321f;--writes:#b86e00;--changes:#6a5acd;--free:#7d8590}
@media (prefers-color-scheme:dark){:root{--paper:#0f1318;--card:#171c23;--ink:#e4e8ed;--soft:#9aa5b1;--line:#2c343e;--bar:#6c9bff;
--good:#5fd38d;--good-b:#12301f;--doubt:#f0b849;--doubt-b:#33270c;--bad:#ff8a80;--bad-b:#3a1917;--none:#9aa5b1;--none-b:#232a32;
--all:#e5533f;--writes:#d98a1c;--changes:#8f82ec;--free:#6f7883}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;-webkit-text-size-adjust:100%}
header,main,footer{max-width:1120px;margin:0 auto;padding:0 24px}
header{padding-top:40px}
h1{font-size:30px;line-height:1.2;margin:0;letter-spacing:-.02em;overflow-wrap:anywhere}
h1 .on{color:var(--soft);font-weight:400}
h2{font-size:20px;line-height:1.3;margin:0 0 4px;letter-spacing:-.01em}
h3{font-size:16px;margin:24px 0 4px}
p{margin:0 0 8px;max-width:75ch}
a{color:inherit}
code,pre,.name{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;font-size:.875em}
code,.name{overflow-wrap:anywhere}
pre{margin:8px 0;padding:12px;background:var(--none-b);border-radius:6px;white-space:pre-wrap;overflow-wrap:anywhere}
.eyebrow{color:var(--soft);margin:0 0 6px}
.soft{color:var(--soft)}
.answer{margin:24px 0;padding:18px 22px;border-radius:10px;border-left:8px solid;background:var(--none-b);border-color:var(--none)}
.answer p{margin:0}.answer .way{font-size:24px;font-weight:650;line-height:1.25;letter-spacing:-.01em}
.answer.good{background:var(--good-b);border-color:var(--good)}.answer.bad{background:var(--bad-b);border-color:var(--bad)}
dl.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(300px,1fr));gap:12px 24px;margin:0 0 24px}
dl.facts dt{color:var(--soft);font-size:13px}dl.facts dd{margin:0;overflow-wrap:anywhere}
nav ul{display:flex;flex-wrap:wrap;gap:2px 18px;list-style:none;margin:0;padding:10px 0;border-block:1px solid var(--line);font-size:14px}
section{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:20px 22px;margin:20px 0}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(240px,1fr));gap:16px;list-style:none;margin:24px 0 20px;padding:0}
.cards>li{background:var(--card);border:1px solid var(--line);border-top:4px solid var(--none);border-radius:10px;padding:14px 18px 16px}
.cards .part{color:var(--soft);font-size:13px;font-weight:400;margin:0}
.cards ul,.plain{margin:8px 0 0;padding-left:18px}.cards ul{font-size:14px}.cards li,.plain li{overflow-wrap:anywhere}
.cards p{font-size:14px;margin:2px 0 0}
.cards .verdict{font-size:20px;font-weight:650;letter-spacing:-.01em;overflow-wrap:anywhere}
.cards>li.good{border-top-color:var(--good)}.cards>li.doubt{border-top-color:var(--doubt)}.cards>li.bad{border-top-color:var(--bad)}
.word{font-weight:600;white-space:nowrap}.good>.verdict,.word.good{color:var(--good)}.doubt>.verdict,.word.doubt{color:var(--doubt)}
.bad>.verdict,.word.bad{color:var(--bad)}.none>.verdict,.word.none{color:var(--none)}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;margin:8px 0;font-size:14px}
caption{text-align:left;color:var(--soft);font-size:13px;padding:4px 0}
th,td{text-align:left;vertical-align:top;padding:7px 14px 7px 0;border-top:1px solid var(--line);font-weight:400}
th:last-child,td:last-child{padding-right:0}
thead th{border-top:0;color:var(--soft);font-size:13px;padding-block:2px}
td.number,th.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
del,ins{text-decoration:none;padding:0 3px;border-radius:3px;white-space:pre-wrap;overflow-wrap:anywhere}
del{background:var(--bad-b);color:var(--bad)}ins{background:var(--good-b);color:var(--good)}
.stack thead th:first-child{width:34%}
.facet+.facet{margin-top:4px}
pre del,pre ins{display:block}
.chart th,.chart td{vertical-align:middle;padding-block:3px;border-top:0}
.chart tbody tr+tr th,.chart tbody tr+tr td{border-top:1px solid var(--line)}
.chart tbody th{width:17em}.chart.locks tbody th{width:25em}.chart .took{white-space:nowrap;width:7.5em;font-variant-numeric:tabular-nums}
.chart .plot{padding-right:0}.chart svg{display:block;overflow:visible}
.mode{font-size:13px}
.mode.all b{color:var(--bad)}.mode.writes b{color:var(--doubt)}
.tick{font-size:11px;fill:var(--soft)}.grid{stroke:var(--line)}.bar.stage{fill:var(--bar)}.bar.stage.failed{fill:url(#fill-failed)}
.ground.all,.ground.failed{fill:var(--all)}.ground.writes{fill:var(--writes)}.ground.changes{fill:var(--changes)}.ground.none{fill:var(--free)}
.texture{stroke:#fff;stroke-opacity:.55;stroke-width:1.4}
.defs{position:absolute}
.legend{display:flex;flex-wrap:wrap;gap:4px 20px;font-size:13px;color:var(--soft);margin:4px 0 0}.legend svg{vertical-align:-1px}
details{margin:6px 0}summary{cursor:pointer;overflow-wrap:anywhere}
summary:focus-visible,a:focus-visible{outline:2px solid var(--bar);outline-offset:2px;border-radius:2px}
.fine{margin:12px 0 0;padding:0;list-style:none}.fine li{padding:2px 0;overflow-wrap:anywhere}
footer{color:var(--soft);font-size:13px;padding-bottom:48px}footer dl{display:grid;grid-template-columns:max-content 1fr;gap:2px 16px}footer dd{margin:0}
@media (max-width:640px){
header,main,footer{padding-inline:14px}header{padding-top:22px}h1{font-size:24px}.answer{padding:14px 16px;margin:18px 0}.answer .way{font-size:20px}
section{padding:16px 14px}.cards{gap:10px;margin-top:18px}dl.facts{grid-template-columns:1fr 1fr;gap:10px 14px}
.chart thead th:not(.plot){position:absolute;clip-path:inset(50%);width:1px;height:1px;overflow:hidden}
.chart tr{display:grid;grid-template-columns:1fr auto;column-gap:12px}.chart .plot{grid-column:1/-1}
.chart tbody th,.chart.locks tbody th,.chart .took{width:auto;padding-block:7px 0}.chart tbody tr+tr .plot{border-top:0}
.chart .took{text-align:right;padding-right:0}
.stack thead{position:absolute;clip-path:inset(50%);width:1px;height:1px;overflow:hidden}
.stack tr{display:block;border-top:1px solid var(--line);padding:7px 0}.stack th,.stack td{display:block;border:0;padding:1px 0;text-align:left!important}
.stack td[data-of]::before{content:attr(data-of) " ";color:var(--soft)}.stack td:empty{display:none}.stack td.short{display:inline-block;margin-right:10px}
footer dl{grid-template-columns:1fr}footer dd{margin-bottom:6px}}
@media print{:root{--paper:#fff}body{font-size:11pt}nav{display:none}section,.cards>li,.answer{break-inside:avoid-page}section:has(table){break-inside:auto}
tr,thead{break-inside:avoid}h2,h3,caption,thead{break-after:avoid}*{print-color-adjust:exact;-webkit-print-color-adjust:exact}section{border:0;border-top:1px solid var(--line);border-radius:0;padding-inline:0}
header,main,footer{max-width:none;padding-inline:0}}
"""
