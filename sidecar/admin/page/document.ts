/** Everything the page loads comes from this server, and the script writes text only, never markup. */
export const PAGE_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

export const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>XPScerpto Sidecar</title>
<link rel="stylesheet" href="/page.css">
<script src="/page.js" defer></script>
</head>
<body>
<header>
  <h1>XPScerpto Sidecar</h1>
  <p><span id="state" class="badge">…</span> <span id="process"></span> <span id="freshness" role="status"></span></p>
</header>
<main>
  <section aria-labelledby="identity-title">
    <h2 id="identity-title">Identity</h2>
    <table id="identity"></table>
  </section>
  <section aria-labelledby="tunnels-title">
    <h2 id="tunnels-title">Tunnels</h2>
    <table id="tunnels"></table>
  </section>
  <section aria-labelledby="channels-title">
    <h2 id="channels-title">Channels</h2>
    <table id="channels"></table>
  </section>
  <section aria-labelledby="failures-title">
    <h2 id="failures-title">Failures since the start</h2>
    <table id="failures"></table>
  </section>
  <section aria-labelledby="trust-title">
    <h2 id="trust-title">Trust and revocation</h2>
    <table id="anchors"></table>
    <table id="crls"></table>
    <table id="verdicts"></table>
  </section>
  <section aria-labelledby="engines-title">
    <h2 id="engines-title">Engines</h2>
    <table id="engines"></table>
  </section>
</main>
<noscript>This page needs JavaScript; <a href="/status">/status</a> has the same as JSON.</noscript>
</body>
</html>
`;
