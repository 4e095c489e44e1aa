/** One fetch for the whole console: same origin, session cookie, CSRF header, problem+json as an exception. */
import type { ProblemBody, Words } from './shapes';

export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly words: Words | null;
  readonly field: string | null;
  readonly details: Record<string, unknown>;
  /** Seconds the server asked us to wait, from Retry-After. */
  readonly waitSeconds: number | null;

  constructor(status: number, body: ProblemBody, waitSeconds: number | null = null) {
    super(body.detail ?? body.title ?? `HTTP ${status}`);
    this.name = 'Problem';
    this.status = status;
    this.code = body.code ?? (status === 0 ? 'unreachable' : `http_${status}`);
    this.words = body.message ?? null;
    this.field = body.field ?? null;
    this.details = body.details ?? {};
    this.waitSeconds = waitSeconds;
  }
}

export interface Ask {
  query?: Record<string, string | number | boolean | null | undefined>;
  body?: unknown;
  form?: FormData;
  /** A POST that creates sends one key for each intention, so that pressing twice creates once. */
  onceKey?: string;
  signal?: AbortSignal;
}

type Listener = () => void;
let whenSignedOut: Listener = () => undefined;
export function onSignedOut(listener: Listener): void {
  whenSignedOut = listener;
}

export function cookie(name: string, jar: string): string | null {
  for (const piece of jar.split(';')) {
    const [key, ...rest] = piece.trim().split('=');
    if (key === name) return decodeURIComponent(rest.join('='));
  }
  return null;
}

export function withQuery(path: string, query: Ask['query'] = {}): string {
  const pairs = Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== '');
  if (pairs.length === 0) return path;
  return `${path}?${new URLSearchParams(pairs.map(([key, value]) => [key, String(value)])).toString()}`;
}

/** A random key; `crypto.randomUUID` is missing on plain-http addresses other than localhost. */
export function onceKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

export async function problemFrom(answer: Response): Promise<Problem> {
  let body: ProblemBody = {};
  try {
    const parsed: unknown = await answer.json();
    if (parsed && typeof parsed === 'object') body = parsed as ProblemBody;
  } catch {
    // A proxy's HTML error page: the status alone must do.
  }
  const wait = Number(answer.headers.get('Retry-After'));
  return new Problem(answer.status, body, Number.isFinite(wait) && wait > 0 ? wait : null);
}

export async function call<T>(method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE', path: string, ask: Ask = {}): Promise<T> {
  const headers: Record<string, string> = { Accept: 'application/json' };
  if (method !== 'GET') headers['X-CSRFToken'] = cookie('csrftoken', document.cookie) ?? '';
  if (ask.body !== undefined) headers['Content-Type'] = 'application/json';
  if (ask.onceKey) headers['Idempotency-Key'] = ask.onceKey;
  let answer: Response;
  try {
    answer = await fetch(withQuery(path, ask.query), {
      method,
      headers,
      credentials: 'same-origin',
      body: ask.form ?? (ask.body === undefined ? undefined : JSON.stringify(ask.body)),
      signal: ask.signal,
    });
  } catch (trouble) {
    if (trouble instanceof DOMException && trouble.name === 'AbortError') throw trouble;
    throw new Problem(0, {});
  }
  if (answer.ok) return (answer.status === 204 ? undefined : await answer.json()) as T;
  const problem = await problemFrom(answer);
  if (answer.status === 401 && !path.startsWith('/api/session')) whenSignedOut();
  throw problem;
}

/** A file, such as a PDF; a refusal is a problem as everywhere. */
export async function fetchFile(path: string): Promise<Blob> {
  const answer = await fetch(path, { credentials: 'same-origin' }).catch(() => { throw new Problem(0, {}); });
  if (answer.ok) return answer.blob();
  if (answer.status === 401) whenSignedOut();
  throw await problemFrom(answer);
}
