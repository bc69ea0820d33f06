import express from 'express';

/** The floor: Express, a JSON body in, a JSON body out, and nothing else. */
const app = express();
app.disable('x-powered-by');
app.use(express.json());
app.post('/v1/evaluate', (request, response) => {
  response.json({ allowed: true, name: (request.body as { name: string }).name });
});
app.listen(Number(process.env['PORT']), '127.0.0.1');
