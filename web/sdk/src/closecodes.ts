// What a closed socket asks of the client. The hundred decides, so that codes
// invented after this client was built are obeyed too.

export type CloseMeaning =
  /** Give up and tell the person why. */
  | "stop"
  /** Come back with growing, random delays. */
  | "backoff"
  /** Come back after the delay the server gave. */
  | "serverDelay"
  /** Get new credentials, then come back. */
  | "newCredentials"
  /** The session is over: log in again. */
  | "loggedOut";

const SESSION_REVOKED = 4303;

export function closeMeaning(code: number | undefined): CloseMeaning {
  if (code === SESSION_REVOKED) return "loggedOut";
  switch (Math.floor((code ?? 0) / 100)) {
    case 40:
      return "stop";
    case 42:
      return "serverDelay";
    case 43:
      return "newCredentials";
    default:
      return "backoff";
  }
}

const STOP_REASONS: Record<number, string> = {
  4000: "The server did not understand this page. Reload it to get the newest version.",
  4002: "This page is out of date. Reload it to get the newest version.",
  4003: "The server does not accept connections from this address. Ask its administrator to allow it.",
  4004: "Your account is disabled. Contact the administrator of this server.",
  4005: "You are banned from this server. Contact its administrator.",
};

export function stopReason(code: number): string {
  return STOP_REASONS[code] ?? `The server closed the connection (code ${code}). Reload the page to try again.`;
}
