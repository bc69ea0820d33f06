import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { Router } from 'express';
import helmet from 'helmet';

const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Tollgate API</title>
<link rel="icon" href="data:,">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<div id="docs"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
`;
const START = `SwaggerUIBundle({ url: '/v1/openapi.json', dom_id: '#docs', deepLinking: true, docExpansion: 'list', tryItOutEnabled: true });\n`;
const ASSETS = ['swagger-ui.css', 'swagger-ui-bundle.js'] as const;

/** The docs page: everything comes from here, so the strict content security policy holds. */
export function serveDocs(): Router {
  const directory = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
  const router = Router();
  router.use(helmet({ contentSecurityPolicy: { directives: { upgradeInsecureRequests: null } } }), (_req, res, next) => {
    // Answers of the API are not to be stored; its page may be.
    res.removeHeader('cache-control');
    next();
  });
  router.get('/', (_req, res) => void res.type('html').send(PAGE));
  router.get('/start.js', (_req, res) => void res.type('js').send(START));
  for (const asset of ASSETS) {
    router.get(`/${asset}`, (_req, res) => res.sendFile(asset, { root: directory, maxAge: '1d' }));
  }
  return router;
}
