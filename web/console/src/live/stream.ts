/**
 * The console's one live stream, shared by every page. It asks for a fresh ticket on every connection, notices a
 * connection that has gone quiet (no heartbeat either), and says so instead of showing stale numbers as live.
 */
import { reactive } from 'vue';
import { streamTicket } from '../api/linli';
import { withQuery } from '../api/client';
import { EventLines, pause, type StreamEvent } from './lines';
import { serverNow } from './now';

/** Heartbeats come at least every 15–20 s; two missed ones mean that nobody is there. */
const QUIET_LIMIT_MS = 45_000;

export const stream = reactive({
  state: 'idle' as 'idle' | 'connecting' | 'live' | 'lost',
  /** When anything was last heard, by the server's clock. */
  lastHeardAt: null as number | null,
  retryAt: null as number | null,
});

type Listener = (data: Record<string, unknown>) => void;
const listeners = new Map<string, Set<Listener>>();

/** Hears one kind of event (`gate`, `stay`, `report`, or `back` after a reconnection); returns the way to stop. */
export function hear(kind: string, listener: Listener): () => void {
  const set = listeners.get(kind) ?? new Set<Listener>();
  listeners.set(kind, set);
  set.add(listener);
  return () => set.delete(listener);
}

function tell(kind: string, data: Record<string, unknown>): void {
  for (const listener of listeners.get(kind) ?? []) listener(data);
}

function deliver(event: StreamEvent): void {
  try {
    const data: unknown = JSON.parse(event.data);
    // After a restart of its database the server cannot know what we missed: as good as a new connection.
    if (event.event === 'resync') tell('back', {});
    else if (data && typeof data === 'object') tell(event.event, data as Record<string, unknown>);
  } catch {
    // One unreadable event must not cost the connection; the next full reading of the page mends it.
  }
}

let running: AbortController | null = null;
let wake: (() => void) | null = null;

async function listenOnce(signal: AbortSignal, lastId: string | null, onOpen: () => void): Promise<string | null> {
  const { ticket } = await streamTicket();
  const quiet = new AbortController();
  const stop = () => quiet.abort();
  signal.addEventListener('abort', stop);
  let watchdog = setTimeout(stop, QUIET_LIMIT_MS);
  try {
    const answer = await fetch(withQuery('/api/stream/console', { ticket }), {
      headers: { Accept: 'text/event-stream', ...(lastId ? { 'Last-Event-ID': lastId } : {}) },
      credentials: 'same-origin',
      cache: 'no-store',
      signal: quiet.signal,
    });
    if (!answer.ok || !answer.body) throw new Error(`stream answered ${answer.status}`);
    onOpen();
    const lines = new EventLines();
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return lastId;
      clearTimeout(watchdog);
      watchdog = setTimeout(stop, QUIET_LIMIT_MS);
      stream.lastHeardAt = serverNow();
      for (const event of lines.take(value)) {
        if (event.id) lastId = event.id;
        deliver(event);
      }
    }
  } finally {
    clearTimeout(watchdog);
    signal.removeEventListener('abort', stop);
  }
}

async function run(signal: AbortSignal): Promise<void> {
  let attempt = 0;
  let wasLive = false;
  let lastId: string | null = null;
  while (!signal.aborted) {
    if (!wasLive) stream.state = 'connecting';
    try {
      lastId = await listenOnce(signal, lastId, () => {
        attempt = 0;
        stream.state = 'live';
        stream.retryAt = null;
        stream.lastHeardAt = serverNow();
        // Whatever happened in the gap was missed: pages read themselves afresh.
        if (wasLive) tell('back', {});
        wasLive = true;
      });
    } catch {
      // Refused, unreachable or quiet: all the same to the reader, who is told below.
    }
    if (signal.aborted) return;
    stream.state = 'lost';
    const rest = pause(attempt++);
    stream.retryAt = Date.now() + rest;
    await new Promise<void>((resolve) => {
      wake = resolve;
      setTimeout(resolve, rest);
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }
}

export function startStream(): void {
  if (running) return;
  running = new AbortController();
  void run(running.signal);
}

export function stopStream(): void {
  running?.abort();
  running = null;
  stream.state = 'idle';
  stream.lastHeardAt = null;
}

/** Tries at once instead of waiting out the pause. */
export function retryNow(): void {
  wake?.();
}

if (typeof window !== 'undefined') window.addEventListener('online', retryNow);
