import { documentDoor } from '../document-door.js';

export const evaluateInfracost = documentDoor('POST /v1/evaluate/infracost', {
  door: 'infracost',
  summary: 'Ask by the output of Infracost, with its costs',
});
