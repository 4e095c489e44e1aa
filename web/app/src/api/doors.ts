/** What a guest, a host or a visitor asks of the doors: a face, a PIN, an invitation. Each as one sentence; raises Problem. */

import type { CodesAnswer } from '@/lib/rotation'
import { ask, sendPictures } from './client'
import { CODES_IN_A_SHEAF, once } from './guest'
import type { Bilingual } from './shapes'

export interface Notice {
  readonly purpose: string
  readonly version: string
  readonly zh: string
  readonly en: string
  readonly digest: string
}

export interface GateReceipt {
  readonly gate: string
  readonly concerned: boolean
  readonly receipted_at: string | null
}

export interface FaceRemoval {
  readonly id: string
  readonly removed_at: string
  readonly why: string
  readonly gates: number
  readonly receipted: number
  readonly seconds: number | null
  readonly receipts: readonly GateReceipt[]
}

export interface MyFace {
  readonly offered: boolean
  /** Below this age a guardian says yes, at the desk; null for an adult. */
  readonly guardian_under: number | null
  readonly consented_at: string | null
  readonly held: { readonly id: string; readonly enrolled_at: string; readonly expires_at: string } | null
  readonly removed: readonly FaceRemoval[]
}

export interface EnrolmentAsked extends Bilingual {
  readonly ticket: string
  readonly side: string
  readonly frames_least: number
  readonly frames_most: number
  readonly expires_at: string
}

export type FaceErrorKind = 'FALSE_ACCEPT' | 'FALSE_REJECT'

export interface Visit {
  readonly id: string
  readonly state: 'INVITED' | 'ACCEPTED' | 'WITHDRAWN'
  readonly where: string
  readonly start: string
  readonly end: string
  readonly name_masked: string
  readonly pass_number: string
}

export interface Invited {
  readonly state: Visit['state']
  readonly estate_zh: string
  readonly estate_en: string
  readonly where: string
  readonly start: string
  readonly end: string
  readonly pass_number: string
  readonly notice_zh: string
  readonly notice_en: string
  readonly notice_digest: string
}

export function getFaceNotice(token: string): Promise<Notice> {
  return ask({ method: 'GET', path: '/privacy/notices/face_pass', token })
}

export function getMyFace(token: string): Promise<MyFace> {
  return ask({ method: 'GET', path: '/faces/mine', token })
}

/** This will say yes to the face notice, word for word the one that was shown. */
export function consentToFace(token: string, digest: string): Promise<MyFace> {
  return ask({ method: 'POST', path: '/faces/consents', token, body: { notice_digest: digest } })
}

/** This will take the yes back: the face is removed everywhere, and no reason is asked. */
export function withdrawFace(token: string): Promise<MyFace> {
  return ask({ method: 'DELETE', path: '/faces/mine', token })
}

export function beginFace(token: string): Promise<EnrolmentAsked> {
  return once('face', (key) => ask({ method: 'POST', path: '/faces/enrolments', token, body: {}, onceKey: key }))
}

/** This will send the front picture and the pictures of the turn, in their order and not mirrored; none of them is kept. */
export function sendFace(token: string, ticket: string, front: Blob, frames: readonly Blob[]): Promise<unknown> {
  const pictures = [{ name: 'picture', picture: front }, ...frames.map((picture) => ({ name: 'frames', picture }))]
  return sendPictures(`/faces/enrolments/${encodeURIComponent(ticket)}/pictures`, token, pictures)
}

export function reportFaceError(token: string, gate: string, kind: FaceErrorKind): Promise<unknown> {
  return once(`face-error.${gate}.${kind}`, (key) =>
    ask({ method: 'POST', path: '/faces/errors', token, body: { gate, kind }, onceKey: key }),
  )
}

export function listVisits(token: string): Promise<readonly Visit[]> {
  return ask({ method: 'GET', path: '/visits', token })
}

export function inviteVisitor(token: string, period: { start: string; end: string }): Promise<{ visit: Visit; token: string }> {
  return once(`visit.${period.start}.${period.end}`, (key) => ask({ method: 'POST', path: '/visits', token, body: period, onceKey: key }))
}

export function withdrawVisit(token: string, visitId: string): Promise<Visit> {
  return ask({ method: 'POST', path: `/visits/${visitId}/withdraw`, token, body: { reason: 'host' } })
}

export function getInvited(token: string): Promise<Invited> {
  return ask({ method: 'GET', path: '/visits/mine', token })
}

export function acceptVisit(token: string, answer: { name: string; phone: string; notice_digest: string }): Promise<Invited> {
  return ask({ method: 'POST', path: '/visits/mine/accept', token, body: answer })
}

export function getVisitCodes(token: string): Promise<CodesAnswer> {
  return ask({ method: 'GET', path: `/visits/mine/codes?count=${CODES_IN_A_SHEAF}`, token })
}

/** What proves the guest's own pass besides its code; digits are shown on a tap and kept nowhere. */
export interface MyWays {
  readonly number: string
  readonly ways: readonly string[]
  readonly pin: boolean
}

export function getMyWays(token: string): Promise<MyWays> {
  return ask({ method: 'GET', path: '/passes/mine', token })
}

/** This will show the PIN of one's own pass, drawing one if there is none; that it was looked at is written down. */
export function showMyPin(token: string): Promise<{ pin: string }> {
  return ask({ method: 'POST', path: '/passes/mine/pin', token, body: {} })
}
