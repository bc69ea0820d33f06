import { documentDoor } from '../document-door.js';

export const evaluateTerraform = documentDoor('POST /v1/evaluate/terraform', {
  door: 'terraform',
  summary: 'Ask by a plan of Terraform or OpenTofu, as `terraform show -json` prints it',
  types: ['application/json', 'application/gzip', 'application/octet-stream'],
});
