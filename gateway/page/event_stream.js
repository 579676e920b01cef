// Reads server-sent events from the body of a fetch.
//
// EventSource can only GET, and an upscale is a POST. What arrives is cut anywhere, inside a
// line or between the two characters that end one, so the reader keeps what is incomplete.

/** Turns text, however it is cut, into events. */
export class EventStreamParser {
  #line = [];  // The pieces of a line whose end has not come; a picture comes in thousands.
  #afterReturn = false;  // A line feed that comes next belongs to the line that has ended.
  #name = '';
  #id = '';
  #data = [];

  /** The events that are complete with this text, as {name, id, data}. */
  push(text) {
    const events = [];
    let start = 0;
    if (this.#afterReturn && text.length > 0) {
      if (text[0] === '\n') start = 1;
      this.#afterReturn = false;
    }
    const ends = /\r\n?|\n/g;
    ends.lastIndex = start;
    for (let end = ends.exec(text); end !== null; end = ends.exec(text)) {
      this.#line.push(text.slice(start, end.index));
      this.#endLine(events);
      start = ends.lastIndex;
      this.#afterReturn = end[0] === '\r' && start === text.length;
    }
    if (start < text.length) this.#line.push(text.slice(start));
    return events;
  }

  #endLine(events) {
    const line = this.#line.join('');
    this.#line = [];
    if (line === '') {
      this.#endEvent(events);
      return;
    }
    const colon = line.indexOf(':');
    if (colon === 0) return;  // A comment, which keeps the connection alive.
    const field = colon < 0 ? line : line.slice(0, colon);
    const rest = colon < 0 ? '' : line.slice(colon + 1);
    const value = rest.startsWith(' ') ? rest.slice(1) : rest;
    if (field === 'event') this.#name = value;
    if (field === 'id') this.#id = value;
    if (field === 'data') this.#data.push(value);
  }

  #endEvent(events) {
    if (this.#data.length > 0) {
      events.push({
        name: this.#name || 'message',
        id: this.#id,
        data: this.#data.join('\n'),
      });
    }
    this.#name = '';
    this.#data = [];
  }
}

/**
 * The events of a response's body, as they come. Ends when the body does; an event that is
 * incomplete then is dropped.
 */
export async function* readEvents(body) {
  const parser = new EventStreamParser();
  const decoder = new TextDecoder();
  const reader = body.getReader();
  try {
    for (;;) {
      const {done, value} = await reader.read();
      if (done) return;
      yield* parser.push(decoder.decode(value, {stream: true}));
    }
  } finally {
    // Who stops listening has no use for the rest; after an error there is none.
    reader.cancel().catch(() => {});
  }
}
