import { useCallback, useEffect, useRef, useState } from "react";
import { explain } from "../format.js";

export interface Loaded<T> {
  value: T | null;
  error: string | null;
  reload: () => Promise<void>;
}

/** What the server is asked for when it comes on screen. `ask` must stay the same function. */
export function useLoaded<T>(ask: () => Promise<T>): Loaded<T> {
  const [value, setValue] = useState<T | null>(null);
  const [error, setError] = useState<string | null>(null);

  // An answer that comes after a later question is none.
  const asked = useRef(0);
  const reload = useCallback(async () => {
    const number = (asked.current += 1);
    try {
      const answer = await ask();
      if (number !== asked.current) return;
      setValue(answer);
      setError(null);
    } catch (reason) {
      if (number === asked.current) setError(explain(reason));
    }
  }, [ask]);
  useEffect(() => void reload(), [reload]);
  return { value, error, reload };
}
