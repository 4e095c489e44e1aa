/** What the server says to a guest. The fields are the HTTP contract's; optional ones may come later or never. */

import type { DocumentType, Sex } from '@/lib/identity'

export interface Bilingual {
  readonly zh: string
  readonly en: string
}

/** What the shape check says of one field; its sentence exists in English only. */
export interface FieldError {
  readonly field?: string
  readonly message?: string
}

/** RFC 9457, with the same sentence in both languages. */
export interface ProblemBody {
  readonly type?: string
  readonly title?: string
  readonly status?: number
  readonly code?: string
  readonly detail?: string
  readonly message?: Bilingual
  readonly field?: string | null
  readonly details?: { readonly errors?: readonly FieldError[] }
}

export interface Place {
  readonly id: string
  readonly label: string
}

export interface BedChoice extends Place {
  readonly free: boolean
}

export interface RoomChoice extends Place {
  readonly beds: readonly BedChoice[]
  readonly places_free: number
}

export interface RegisteredGuest {
  readonly stay_id: string
  readonly name_masked: string
  readonly state: string
}

export interface RegistrationView {
  readonly estate: { readonly name_zh: string; readonly name_en: string }
  readonly unit: { readonly label: string; readonly address: string }
  readonly host?: { readonly name: string; readonly phone?: string | null } | null
  readonly booking: {
    readonly id: string
    readonly arrive_at: string
    readonly leave_at: string
    readonly guests_expected: number
    readonly guests_registered: number
    readonly state: string
  }
  readonly rooms: readonly RoomChoice[]
  readonly guests: readonly RegisteredGuest[]
  readonly house_rules: { readonly version: string; readonly zh: readonly string[]; readonly en: readonly string[] }
  readonly notice: { readonly version: string; readonly zh: string; readonly en: string }
}

export interface GuardianBody {
  name: string
  relation: string
  phone: string
  /** The stay of the guardian, when registered under the same booking. */
  in_same_stay?: string
}

export interface GuestBody {
  native_name: string
  latin_name?: string
  sex: Sex
  birth_date: string
  nationality: string
  document: { type: DocumentType; number: string; issuing_country?: string; valid_until?: string }
  phone?: string
  room_id?: string
  bed_id?: string
  relation_to_booker?: string
  guardian?: GuardianBody
  house_rules_version: string
  notice_version: string
  overlap_reason?: string
}

export type NextStep = 'register_document' | 'wait_for_host' | 'show_code' | 'leave' | 'closed'

export interface StayView {
  readonly id: string
  readonly state: string
  readonly level: number
  readonly name_masked: string
  readonly document_masked: string
  readonly belongs: 'mainland' | 'hmt' | 'foreign'
  readonly minor: boolean
  readonly unit: string | { readonly label: string; readonly address?: string }
  readonly room: string | Place | null
  readonly bed: string | Place | null
  readonly arrive_at: string
  readonly leave_at: string
  readonly decision: {
    readonly row: number | string
    readonly result: 'allow' | 'hold' | 'refuse'
    readonly duties: readonly string[]
    readonly message: Bilingual
  } | null
  readonly access_pass: { readonly id: string; readonly state: string; readonly start: string; readonly end: string } | null
  /** The doors this pass opens, in the order one meets them. */
  readonly doors?: readonly { readonly code?: string; readonly name_zh: string; readonly name_en: string; readonly kind: string }[]
  readonly report: { readonly state: string; readonly receipt?: string | null } | null
  readonly next: NextStep
}

export interface RegisteredAnswer {
  readonly stay: StayView
  readonly guest_token: string
}

export interface PictureAnswer {
  readonly level: number
  readonly matched: readonly string[]
  readonly mismatched: readonly string[]
  readonly unread: readonly string[]
  readonly stay: StayView
}
