/** Everything a guest can ask of the estate, each as one sentence. Tokens go in, views come out; raises Problem. */

import { onceDone, onceKey } from '@/lib/memory'
import type { CodesAnswer } from '@/lib/rotation'
import { ask, sendPicture } from './client'
import { Problem } from './problem'
import type { GuestBody, PictureAnswer, RegisteredAnswer, RegistrationView, StayView } from './shapes'

export const CODES_IN_A_SHEAF = 20

export function getRegistration(token: string): Promise<RegistrationView> {
  return ask({ method: 'GET', path: '/registration', token })
}

/** This will register one guest; a lost answer may be asked for again and gives the same guest. */
export function registerGuest(token: string, bookingId: string, body: GuestBody): Promise<RegisteredAnswer> {
  return once(`register.${bookingId}`, (key) =>
    ask({ method: 'POST', path: '/registration/guests', token, body, onceKey: key }),
  )
}

export function getMyStay(token: string): Promise<StayView> {
  return ask({ method: 'GET', path: '/stays/me', token })
}

export function sendDocumentPicture(token: string, picture: { readonly path: string; readonly file?: File }): Promise<PictureAnswer> {
  return sendPicture('/stays/me/document-picture', token, picture)
}

export function getMyCodes(token: string): Promise<CodesAnswer> {
  return ask({ method: 'GET', path: `/stays/me/codes?count=${CODES_IN_A_SHEAF}`, token })
}

export function checkOut(token: string, stayId: string): Promise<StayView> {
  return once(`check-out.${stayId}`, (key) =>
    ask({ method: 'POST', path: '/stays/me/check-out', token, body: {}, onceKey: key }),
  )
}

/** This will send a creation under a key of its own, so that a lost answer may be asked for again. */
export async function once<T>(purpose: string, send: (key: string) => Promise<T>, again = false): Promise<T> {
  try {
    const answer = await send(onceKey(purpose))
    onceDone(purpose)
    return answer
  } catch (problem) {
    // A refusal is an answer: what is sent after it, corrected, is a new request and needs a new key.
    if (problem instanceof Problem && !problem.passing) onceDone(purpose)
    if (problem instanceof Problem && problem.spentKey && !again) return once(purpose, send, true)
    throw problem
  }
}
