/** Reads a server-sent-event stream from text pieces of any size; comments count as a sign of life. */
export interface StreamEvent { event: string; data: string; id: string | null }

export class EventLines {
  private rest = '';
  private event = '';
  private data: string[] = [];
  private id: string | null = null;

  /** Takes one piece of the stream and returns the events that it completed. */
  take(piece: string): StreamEvent[] {
    this.rest += piece;
    const complete: StreamEvent[] = [];
    let end = this.rest.search(/\r\n|\n|\r(?!$)/);
    while (end >= 0) {
      const line = this.rest.slice(0, end);
      this.rest = this.rest.slice(end + (this.rest.startsWith('\r\n', end) ? 2 : 1));
      const event = this.line(line);
      if (event) complete.push(event);
      end = this.rest.search(/\r\n|\n|\r(?!$)/);
    }
    return complete;
  }

  private line(line: string): StreamEvent | null {
    if (line === '') return this.dispatch();
    if (line.startsWith(':')) return null;
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'event') this.event = value;
    else if (field === 'data') this.data.push(value);
    else if (field === 'id') this.id = value;
    return null;
  }

  private dispatch(): StreamEvent | null {
    const event = this.data.length > 0 ? { event: this.event || 'message', data: this.data.join('\n'), id: this.id } : null;
    this.event = '';
    this.data = [];
    return event;
  }
}

/** How long to wait before the nth try: 1 s doubling to 15 s, with jitter so that consoles do not return all at once. */
export function pause(attempt: number, random = Math.random()): number {
  const ceiling = Math.min(15_000, 1000 * 2 ** Math.min(attempt, 4));
  return Math.round(ceiling * (0.7 + 0.3 * random));
}
