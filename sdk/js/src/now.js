// The call that is being served. What stands on globalThis finds its host here: a sandbox serves
// one call, and a test may serve one after another.

let host;

/** Runs a call with its host at hand. */
export function serving(itsHost, run) {
  const before = host;
  host = itsHost;
  try {
    return run();
  } finally {
    host = before;
  }
}

/** The host of the call; none while modules load. */
export const hostIfAny = () => host;

/** The host of the call. Throws while modules load, which is while the plugin is built. */
export function hostNow(what) {
  if (host === undefined) throw new TypeError(`${what} is there while an agent runs, not before`);
  return host;
}
