// Which time is shown: strips and the room's curve share it, so that they can be read together.

/** A session that has only begun is drawn in this much room at least, s. */
const NARROWEST_S = 30;
/** A timeline that begins before this is the whole one, s. */
const WHOLE_FROM_S = 2;

/** {from_s, span_s, latest_s} in session time; of a closed session everything that is kept. */
export function frameOf({ timeline, closed, window_s }) {
  const latest_s = timeline.latest_s ?? 0;
  const first_s = (timeline.first_s ?? 0) <= WHOLE_FROM_S ? 0 : timeline.first_s;
  const from_s = closed ? first_s : Math.max(first_s, latest_s - window_s);
  // A session that has only begun grows into its strips from the left.
  const span_s = closed ? Math.max(latest_s - first_s, 1) : Math.max(NARROWEST_S, latest_s - from_s);
  return { from_s, span_s, latest_s };
}

export const isWhole = (timeline) => timeline.first_s !== null && timeline.first_s <= WHOLE_FROM_S;
