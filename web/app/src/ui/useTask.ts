import { useState } from "react";
import { ApiError } from "@chat/sdk";
import { explain, fieldErrors } from "../format.js";

export interface Task {
  busy: boolean;
  /** What concerns no single field. */
  error: string | null;
  /** What concerns the fields that are there, by their names. */
  errors: Partial<Record<string, string>>;
  /** True when it was done. */
  run(task: () => Promise<unknown>): Promise<boolean>;
  /** Found without asking the server. */
  refuse(errors: Partial<Record<string, string>>): void;
}

/** One thing at a time that the server is asked for, and what it says of it where it belongs. */
export function useTask(fields: readonly string[] = []): Task {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const [errors, setErrors] = useState<Partial<Record<string, string>>>({});

  const run = async (task: () => Promise<unknown>) => {
    setBusy(true);
    setError(null);
    setErrors({});
    try {
      await task();
      return true;
    } catch (reason) {
      const told = fieldErrors(reason);
      if (reason instanceof ApiError && reason.code.startsWith("secondFactor")) told.code = explain(reason);
      const shown = Object.fromEntries(Object.entries(told).filter(([field]) => fields.includes(field)));
      setErrors(shown);
      if (Object.keys(shown).length === 0) setError(explain(reason));
      return false;
    } finally {
      setBusy(false);
    }
  };
  const refuse = (found: Partial<Record<string, string>>) => {
    setError(null);
    setErrors(found);
  };
  return { busy, error, errors, run, refuse };
}
