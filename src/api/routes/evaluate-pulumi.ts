import { documentDoor } from '../document-door.js';

export const evaluatePulumi = documentDoor('POST /v1/evaluate/pulumi', {
  door: 'pulumi',
  summary: 'Ask by a Pulumi preview, as `pulumi preview --json` prints it',
});
