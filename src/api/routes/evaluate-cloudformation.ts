import { documentDoor } from '../document-door.js';

export const evaluateCloudFormation = documentDoor('POST /v1/evaluate/cloudformation', {
  door: 'cloudformation',
  summary: 'Ask by a CloudFormation change set or template',
  types: ['application/json', 'application/yaml', 'application/x-yaml', 'text/yaml'],
});
