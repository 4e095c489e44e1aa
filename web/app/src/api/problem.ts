/** Turning whatever went wrong into one kind sentence, and into sentences at the fields they belong to. */

import type { Bilingual, ProblemBody } from './shapes'

// The shape check knows no Chinese; what it says is for developers.
const NOT_ACCEPTED: Bilingual = { zh: '这一项没有被接受，请核对。', en: 'This was not accepted. Please check it.' }

// Refusals that are about one field although they do not name it.
const FIELD_OF_CODE: Readonly<Record<string, string>> = {
  already_staying: 'overlap_reason',
  bed_taken: 'bed_id',
  room_full: 'bed_id',
  guardian_needed: 'guardian.name',
  no_identity: 'document.type',
}

/** The server, or the way to it, did not do what was asked. */
export class Problem extends Error {
  /** HTTP status; 0 when no answer came at all. */
  readonly status: number
  readonly code: string
  readonly said: Bilingual | null
  readonly fields: Readonly<Record<string, Bilingual>>

  constructor(status: number, body: ProblemBody | null) {
    super(body?.detail ?? body?.title ?? `status ${status}`)
    this.status = status
    this.code = body?.code ?? (status === 0 ? 'no_network' : 'unknown')
    this.said = body?.message ?? both(body?.detail ?? body?.title)
    this.fields = fieldsOf(body)
  }

  /** The same request may well succeed in a moment, with the same idempotency key. */
  get passing(): boolean {
    return this.status === 0 || [408, 425, 429, 502, 503, 504].includes(this.status)
  }

  /** The guest typed something else after an answer got lost: the old key belongs to the old words. */
  get spentKey(): boolean {
    return this.code === 'key_reused'
  }

  /** The token opens nothing (any more). */
  get strangerToken(): boolean {
    return [401, 403, 404, 410].includes(this.status)
  }
}

/** This will read an answer body as a problem; anything that is none (a proxy's HTML, silence) becomes null. */
export function problemBody(data: unknown): ProblemBody | null {
  const body = answerBody(data)
  return body === null || Array.isArray(body) ? null : (body as ProblemBody)
}

/** This will read an answer as what the server says, an object or a list; anything else is no answer of ours. */
export function answerBody(data: unknown): object | null {
  if (typeof data !== 'string') return typeof data === 'object' ? data : null
  try {
    const read: unknown = JSON.parse(data)
    return typeof read === 'object' ? read : null
  } catch {
    return null
  }
}

function fieldsOf(body: ProblemBody | null): Record<string, Bilingual> {
  const fields: Record<string, Bilingual> = {}
  for (const { field } of body?.details?.errors ?? []) if (field) fields[shortField(field)] = NOT_ACCEPTED
  const field = body?.field ?? FIELD_OF_CODE[body?.code ?? '']
  const said = body?.message ?? both(body?.detail)
  if (field && said) fields[shortField(field)] ??= said
  return fields
}

function shortField(name: string): string {
  return name.replace(/^(body|payload)\./, '')
}

function both(text: string | undefined): Bilingual | null {
  return text ? { zh: text, en: text } : null
}
