import type { Delivery } from "@chat/sdk";
import { deliveryText } from "../format.js";
import { Icon } from "../ui/Icon.js";

const MARKS = {
  sending: { icon: "clock", label: "Sending" },
  sent: { icon: "check", label: "Sent" },
  delivered: { icon: "checks", label: "Delivered" },
  read: { icon: "eye", label: "Read" },
  failed: { icon: "warning", label: "Not sent" },
} as const;

export function sameDelivery(a: Delivery | null, b: Delivery | null): boolean {
  if (!a || !b) return a === b;
  return a.state === b.state && a.delivered === b.delivered && a.read === b.read && a.others === b.others;
}

/** The shapes differ as well as the words: none of it is told by colour. */
export function DeliveryMark({ state, delivery }: { state: "sending" | "sent" | "failed"; delivery: Delivery | null }) {
  const stored = state === "sent" ? delivery : null;
  const shown = stored?.state ?? state;
  const { icon } = MARKS[shown];
  const label = stored ? deliveryText(stored) : MARKS[shown].label;
  return (
    <span className={`delivery delivery-${shown}`} role="img" aria-label={label} title={label}>
      <Icon name={icon} />
    </span>
  );
}
