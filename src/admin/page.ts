/** The page at `/`. It holds nothing of the gates, so it needs no token. */
export const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>StreamGate</title>
<style>
:root { color-scheme: light dark; font: 16px/1.6 system-ui, sans-serif }
body { max-width: 40rem; margin: 4rem auto; padding: 0 1rem }
code { font-family: ui-monospace, monospace }
</style>
</head>
<body>
<h1>StreamGate</h1>
<p>This is the admin API. It is described in <a href="/openapi.json">OpenAPI 3.1</a>; the gates are at <a href="/v1/gates"><code>/v1/gates</code></a>.</p>
<p>On the command line: <code>streamgate status --watch</code></p>
</body>
</html>
`

/** Of every answer: nothing is cached, framed, sniffed or allowed to run. */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
}
