/** What a guest may ask about proving who they are: the face check nobody needs, and the printed receipt. Raises Problem. */

import { ask, fetchDocument, sendPicture } from './client'
import type { Notice } from './doors'
import type { Bilingual, StayView } from './shapes'

export type CheckOutcome = 'CONFIRMED' | 'ANOTHER_WAY' | 'NOT_AVAILABLE'

export interface OtherWay extends Bilingual {
  readonly key: string
}

export interface FaceCheckState {
  /** Whether there is anybody to compare at all; what cannot be done is not offered. */
  readonly available: boolean
  /** Whether this stay waits for the guest's identity. */
  readonly needed: boolean
  /** Under 14 a guardian says yes, at the desk. */
  readonly speaker: 'self' | 'guardian'
  readonly notice: Notice
  readonly consented_at: string | null
  readonly tries_left: number
  readonly last_outcome: CheckOutcome | null
  readonly other_ways: readonly OtherWay[]
}

export interface FaceCheckAnswer extends Bilingual {
  readonly outcome: CheckOutcome
  readonly other_ways: readonly OtherWay[]
  readonly tries_left: number
  readonly stay: StayView
}

export function getFaceCheck(token: string, stayId: string): Promise<FaceCheckState> {
  return ask({ method: 'GET', path: `/stays/${stayId}/face-check`, token })
}

/** This will say yes to the face check notice, word for word the one that was shown, and to nothing else. */
export function consentToFaceCheck(token: string, stayId: string, digest: string): Promise<FaceCheckState> {
  return ask({ method: 'POST', path: `/stays/${stayId}/face-check/consent`, token, body: { notice_digest: digest } })
}

/** This will take the yes back; no reason is asked. */
export function withdrawFaceCheck(token: string, stayId: string): Promise<FaceCheckState> {
  return ask({ method: 'DELETE', path: `/stays/${stayId}/face-check/consent`, token })
}

/** This will send one picture, which is compared once and kept nowhere. */
export function checkFace(token: string, stayId: string, picture: { readonly path: string; readonly file?: File }): Promise<FaceCheckAnswer> {
  return sendPicture(`/stays/${stayId}/face-check`, token, picture)
}

/** This will fetch the printed receipt of one's own registration, and return where it lies on this phone. */
export function fetchMyReceipt(token: string): Promise<string> {
  return fetchDocument('/stays/me/receipt', token)
}
