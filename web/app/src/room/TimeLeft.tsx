import { leftOf } from "../format.js";
import { nextSecond, secondsUntil, useNow } from "./useNow.js";

/** How long something is possible still, as the time goes by. */
export function TimeLeft({ until }: { until: number }) {
  const now = useNow((now) => nextSecond(until, now));
  return <>{leftOf(Math.max(1, secondsUntil(until, now)))} left</>;
}
