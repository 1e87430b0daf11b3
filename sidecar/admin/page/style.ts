export const PAGE_STYLE = `:root { color-scheme: light dark; --line: #8884; --good: #1a7f37; --bad: #c62828; --warn: #b26a00; }
* { box-sizing: border-box; }
body { font: 14px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 110rem; padding: 1rem; }
h1 { font-size: 1.4rem; margin: 0; }
h2 { font-size: 1.1rem; margin: 1.5rem 0 .3rem; }
header p { margin: .3rem 0; }
section { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; margin-bottom: .8rem; }
th, td { text-align: left; padding: .25rem .5rem; border-bottom: 1px solid var(--line); white-space: nowrap; }
th { font-weight: 600; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
.badge { border-radius: .3rem; padding: .05rem .5rem; color: #fff; background: var(--warn); }
.badge.ready { background: var(--good); }
.badge.lost { background: var(--bad); }
.bad { color: var(--bad); font-weight: 600; }
.none { opacity: .6; }
`;
