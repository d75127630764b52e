import { useEffect, useId, useRef, useState, type FormEvent } from "react";
import type { Hit, Message } from "@chat/sdk";
import { chat, useChat } from "../chat.js";
import { count, explain, fieldErrors, momentOf, nameOf } from "../format.js";
import { gist } from "../room/Quote.js";
import { messageHref, revisit } from "../router.js";
import { Dialog } from "../ui/Dialog.js";
import { Field, FormError } from "../ui/Field.js";

const FILTERS: [example: string, meaning: string][] = [
  ['"see you soon"', "these words in a row"],
  ["from:bob", "what bob wrote; from:me for your own"],
  ["in:garden", "in this room, by its name"],
  ["has:file", "with a file; has:image, has:link"],
  ["before:2026-11-01", "before that day"],
  ["after:2026-10-01", "after that day"],
];

interface SearchDialogProps {
  /** What is asked for at first, such as `in:` the room that one looks at. */
  begin: string;
  onClose: () => void;
}

export default function SearchDialog({ begin, onClose }: SearchDialogProps) {
  const [text, setText] = useState(begin);
  const [hits, setHits] = useState<readonly Hit[] | null>(null);
  const [cursor, setCursor] = useState<string | null>(null);
  const [asked, setAsked] = useState("");
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState<{ field?: string | undefined; text?: string } | null>(null);
  const input = useRef<HTMLInputElement>(null);
  const helpId = useId();
  // An answer that comes after a later question is none.
  const number = useRef(0);

  useEffect(() => {
    const end = input.current!.value.length;
    input.current!.setSelectionRange(end, end);
  }, []);

  const ask = async (query: string, from?: string) => {
    const mine = (number.current += 1);
    setBusy(true);
    setFault(null);
    try {
      const page = await chat.api.search(query, from);
      if (mine !== number.current) return;
      chat.people.shown(page.results.flatMap(({ before, message, after }) => [before, message, after]).flatMap((one) => one?.userId ?? []));
      setAsked(query);
      setHits((before) => (from && before ? [...before, ...page.results] : page.results));
      setCursor(page.nextCursor);
    } catch (reason) {
      if (mine !== number.current) return;
      const { query: field } = fieldErrors(reason);
      setFault(field ? { field } : { text: explain(reason) });
    }
    setBusy(false);
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const query = text.trim();
    // Single letters find too much.
    if (/\S{2}/.test(query)) void ask(query);
    else setFault({ field: "Enter a word of at least two letters, or a filter." });
  };

  return (
    <Dialog title="Search" variant="wide" onClose={onClose}>
      <form className="search-form" role="search" onSubmit={submit}>
        <Field
          label="Words and filters"
          name="query"
          // Not of the type "search": there Escape would empty it in place of closing.
          autoComplete="off"
          enterKeyHint="search"
          inputRef={input}
          value={text}
          error={fault?.field}
          onValue={setText}
          data-autofocus
        />
        <button type="submit" className="button primary" disabled={busy}>
          {busy ? "One moment…" : "Search"}
        </button>
      </form>
      <FormError text={fault?.text ?? null} />
      <details className="search-help" open={hits === null}>
        <summary id={helpId}>What can be asked for</summary>
        <dl aria-labelledby={helpId}>
          {FILTERS.map(([example, meaning]) => (
            <div key={example}>
              <dt>{example}</dt>
              <dd>{meaning}</dd>
            </div>
          ))}
        </dl>
        <p className="muted">Any part of a word counts, from two letters on. Everything you ask for must be true of a message.</p>
      </details>
      <p className={hits?.length === 0 ? "list-note" : "visually-hidden"} role="status">
        {hits && (hits.length === 0 ? `Nothing is found for ${asked}.` : `${count(hits.length, "message", "messages")}${cursor ? " and more" : ""}`)}
      </p>
      {hits && hits.length > 0 && (
        <ol className="hits" aria-label="Found">
          {hits.map((hit) => (
            <HitRow key={hit.message.id} hit={hit} onClose={onClose} />
          ))}
        </ol>
      )}
      {cursor && (
        <button type="button" className="button wide" disabled={busy} onClick={() => void ask(asked, cursor)}>
          Show more
        </button>
      )}
    </Dialog>
  );
}

function HitRow({ hit: { message, before, after }, onClose }: { hit: Hit; onClose: () => void }) {
  const users = useChat("users", () => chat.knownUsers);
  const rooms = useChat("rooms", () => chat.rooms);
  const room = rooms?.find(({ id }) => id === message.roomId);
  const href = messageHref(message.roomId, message.id);
  const line = (near: Message) => (
    <p className="hit-near">
      {nameOf(users, near.userId)}: {gist(near)}
    </p>
  );
  return (
    <li>
      <a
        className="hit"
        href={href}
        onClick={() => {
          onClose();
          revisit(href);
        }}
      >
        <p className="hit-place">
          {room?.name ?? "A room"} · <time dateTime={message.createdAt}>{momentOf(message.createdAt)}</time>
        </p>
        {before && line(before)}
        <p className="hit-text">
          <strong>{nameOf(users, message.userId)}</strong>: {gist(message)}
        </p>
        {after && line(after)}
      </a>
    </li>
  );
}
