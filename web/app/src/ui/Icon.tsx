// Line icons on a 20-unit grid, drawn in the colour of the text around them.

const PATHS = {
  back: "M12.5 4.5 7 10l5.5 5.5",
  close: "m5 5 10 10M15 5 5 15",
  compass: "M10 17.5a7.5 7.5 0 1 0 0-15 7.5 7.5 0 0 0 0 15ZM13 7l-1.7 4.3L7 13l1.7-4.3L13 7Z",
  hash: "M8 3.5 6.5 16.5M13.5 3.5 12 16.5M4 7.5h12.5M3.5 12.5H16",
  leave: "M8 3.5H5A1.5 1.5 0 0 0 3.5 5v10A1.5 1.5 0 0 0 5 16.5h3M12.5 6.5 16 10l-3.5 3.5M16 10H8",
  lock: "M6 9V6.5a4 4 0 0 1 8 0V9M5.5 9h9A1.5 1.5 0 0 1 16 10.5v5A1.5 1.5 0 0 1 14.5 17h-9A1.5 1.5 0 0 1 4 15.5v-5A1.5 1.5 0 0 1 5.5 9Z",
  members: "M7.5 9.5a3 3 0 1 0 0-6 3 3 0 0 0 0 6ZM2 16.5c0-3 2.5-4.5 5.5-4.5s5.5 1.5 5.5 4.5M13 4a3 3 0 0 1 0 5.5M15 12.3c1.8.6 3 2 3 4.2",
  pencil: "m12.5 4.5 3 3L7 16l-3.5.5L4 13l8.5-8.5Z",
  power: "M10 3v7M6 5.5a6.5 6.5 0 1 0 8 0",
  plus: "M10 4v12M4 10h12",
  send: "M3.5 10 17 4l-4 13-3.5-5.5L3.5 10ZM9.5 11.5 13 8",
  trash: "M4 6h12M8 6V4.5A1 1 0 0 1 9 3.5h2a1 1 0 0 1 1 1V6M5.5 6l.7 9.6a1 1 0 0 0 1 .9h5.6a1 1 0 0 0 1-.9L14.5 6M8.5 9v4.5M11.5 9v4.5",
  down: "M10 4v12M4.5 10.5 10 16l5.5-5.5",
  check: "m4.5 10.5 3.5 3.5 7.5-8",
  checks: "m2 10.5 3.5 3.5 7-8M9.5 13l1 1 7-8",
  eye: "M1.8 10S4.8 4.8 10 4.8s8.2 5.2 8.2 5.2-3 5.2-8.2 5.2S1.8 10 1.8 10ZM10 12.3a2.3 2.3 0 1 0 0-4.6 2.3 2.3 0 0 0 0 4.6Z",
  clock: "M10 17a7 7 0 1 0 0-14 7 7 0 0 0 0 14ZM10 6v4l2.5 2",
  warning: "M10 3.5 2.5 16.5h15L10 3.5ZM10 8.5v3.5M10 14.3v.1",
  mail: "M4 5h12a1.5 1.5 0 0 1 1.5 1.5v7A1.5 1.5 0 0 1 16 15H4a1.5 1.5 0 0 1-1.5-1.5v-7A1.5 1.5 0 0 1 4 5ZM3 6l7 5.5L17 6",
  gear: "M10 12.7a2.7 2.7 0 1 0 0-5.4 2.7 2.7 0 0 0 0 5.4ZM10 2v2.2M10 15.8V18M2 10h2.2M15.8 10H18M4.3 4.3l1.6 1.6M14.1 14.1l1.6 1.6M4.3 15.7l1.6-1.6M14.1 5.9l1.6-1.6",
  clip: "m15.5 9.5-5.6 5.6a3.6 3.6 0 0 1-5.1-5.1l6-6a2.4 2.4 0 0 1 3.4 3.4l-6 6a1.2 1.2 0 0 1-1.7-1.7l5.5-5.5",
  file: "M5.5 2.5h6l4 4v9a2 2 0 0 1-2 2h-8a2 2 0 0 1-2-2v-11a2 2 0 0 1 2-2ZM11.5 2.5v4h4",
  download: "M10 3v10M5.5 9 10 13.5 14.5 9M4 17h12",
  retry: "M15.5 6.5A6.5 6.5 0 1 0 16.5 11M16 3v3.8h-3.8",
  bubble: "M5 4h10a2 2 0 0 1 2 2v6a2 2 0 0 1-2 2h-4.5L7 17v-3H5a2 2 0 0 1-2-2V6a2 2 0 0 1 2-2Z",
} as const;

export type IconName = keyof typeof PATHS;

/** Decoration: the words beside it, or its control's label, carry the meaning. */
export function Icon({ name }: { name: IconName }) {
  return (
    <svg className="icon" viewBox="0 0 20 20" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}
