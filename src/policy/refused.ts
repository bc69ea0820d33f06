/** Why a move is not made, as a value: pure code answers it, an activity turns it into a failure that is not retried. */

export interface Refused {
  readonly refused: 'WrongState' | 'NotAllowed' | 'Invalid';
  readonly message: string;
  /** Places in the request and what is wrong there. */
  readonly problems: readonly { readonly path: string; readonly message: string }[];
}

/** 409: the state does not allow it. */
export function wrongState(message: string): Refused {
  return { refused: 'WrongState', message, problems: [] };
}

/** 403: this principal may not. */
export function notAllowed(message: string): Refused {
  return { refused: 'NotAllowed', message, problems: [] };
}

/** 400: `path` of the request is wrong. */
export function wrongInput(path: string, message: string): Refused {
  return { refused: 'Invalid', message: `\`${path}\` ${message}`, problems: [{ path, message }] };
}
