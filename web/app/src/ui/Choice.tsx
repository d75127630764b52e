interface ChoiceProps {
  label: string;
  value: number;
  options: [number, string][];
  onValue: (value: number) => void;
}

/** One of a few lengths or numbers. */
export function Choice({ label, value, options, onValue }: ChoiceProps) {
  return (
    <label className="field">
      <span className="switch-label">{label}</span>
      <select value={value} onChange={(event) => onValue(Number(event.target.value))}>
        {options.map(([number, text]) => (
          <option key={number} value={number}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}
