import { useCallback, useEffect, useState } from "react";
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

  const reload = useCallback(async () => {
    try {
      setValue(await ask());
      setError(null);
    } catch (reason) {
      setError(explain(reason));
    }
  }, [ask]);
  useEffect(() => void reload(), [reload]);
  return { value, error, reload };
}
