import type { AppContext } from './deps.js';

/** A workflow's id and its page in Temporal UI; ids hold slashes, which the UI wants encoded. */
export function linkToWorkflow(context: Pick<AppContext, 'temporal' | 'temporalUiUrl'>, id: string): { id: string; url: string | null } {
  const { temporalUiUrl: ui, temporal } = context;
  const { namespace } = temporal.client.options;
  return { id, url: ui === null ? null : `${ui}/namespaces/${encodeURIComponent(namespace)}/workflows/${encodeURIComponent(id)}` };
}
