import type { Room } from "@chat/sdk";
import { Reports } from "../reports/Reports.js";
import { Dialog } from "../ui/Dialog.js";

interface ReportsDialogProps {
  room: Room;
  onClose: () => void;
}

/** What members of the room complained of, for those who look after it. */
export default function ReportsDialog({ room, onClose }: ReportsDialogProps) {
  return (
    <Dialog title="Reported messages" onClose={onClose}>
      <Reports roomId={room.id} status="open" onLeave={onClose} />
    </Dialog>
  );
}
