/** Small phrases made out of what the server sent. */

import type { Place, StayView } from '@/api/shapes'
import type { KeptGuest } from './memory'
import { language, t, tOr } from './words'

export function estateName(estate: { readonly name_zh: string; readonly name_en: string }): string {
  return (language.value === 'en' ? estate.name_en : estate.name_zh) || estate.name_zh
}

export function unitLabel(stay: Pick<StayView, 'unit'>): string {
  return typeof stay.unit === 'string' ? stay.unit : stay.unit.label
}

/** This will return the full way to the bed, and the address when the server sent one. */
export function placeLines(stay: StayView): readonly string[] {
  const written = unitLabel(stay)
  const spoken = addressWords(written)
  return [spoken, spoken === written ? '' : written, withinWords(stay)].filter(Boolean)
}

/** This will say an address of the estate in the chosen language; signs on the spot are Chinese, so show both. */
export function addressWords(written: string): string {
  const parts = addressParts(written)
  return parts ? t('app.address', parts) : written
}

/** This will name the entrance that a flat lies behind, as exactly as its address tells. */
export function entranceWords(written: string): string {
  const parts = addressParts(written)
  return parts ? t('app.pass.entrance_of', parts) : t('app.pass.entrance')
}

function addressParts(written: string): { building: string; entrance: string; flat: string } | null {
  const [, building, entrance, flat] = /^(\d+)幢(\d+)单元(\d+)$/.exec(written.replace(/\s/g, '')) ?? []
  return building && entrance && flat ? { building, entrance, flat } : null
}

export function roomWords(label: string): string {
  const number = /^R(\d+)$/.exec(label)?.[1]
  return number ? t('app.room', { n: number }) : label
}

export function bedWords(label: string): string {
  const number = /^B(\d+)$/.exec(label)?.[1]
  return number ? t('app.bed', { n: number }) : label
}

export function withinWords(stay: Pick<StayView, 'room' | 'bed'>): string {
  return [roomWords(labelOf(stay.room)), bedWords(labelOf(stay.bed))].filter(Boolean).join(' · ')
}

/** This will say where a guest of this phone sleeps, in the language of now. */
export function guestPlace(guest: KeptGuest): string {
  return [addressWords(guest.unit), withinWords(guest)].filter(Boolean).join(' · ')
}

/** This will name a guest's state, or return nothing for a state this page does not know. */
export function stateWord(state: string): string {
  return tOr(`app.state.${state.toUpperCase()}`, '')
}

export function isCheckedIn(stay: StayView): boolean {
  return ['CHECKED_IN', 'IN_HOUSE'].includes(stay.state.toUpperCase())
}

export function isCheckedOut(stay: StayView): boolean {
  return ['CHECKED_OUT', 'LEFT', 'AUTO_CLOSED', 'CLOSED'].includes(stay.state.toUpperCase())
}

/** This will return the part of a stay's id that one reads out to a guard. */
export function reference(stayId: string): string {
  const tail = stayId.replace(/^stay_/, '').slice(-8).toUpperCase()
  return `${tail.slice(0, 4)} ${tail.slice(4)}`
}

export type ReportTold = 'none' | 'sending' | 'accepted' | 'trouble'

const REPORTS: Readonly<Record<string, ReportTold>> = {
  DUE: 'sending', QUEUED: 'sending', SENDING: 'sending', PENDING: 'sending', RETRYING: 'sending', ACCEPTED: 'accepted', REJECTED: 'trouble', PARKED: 'trouble',
}

export function reportTold(stay: StayView): ReportTold {
  return stay.report ? (REPORTS[stay.report.state.toUpperCase()] ?? 'sending') : 'none'
}

/** This will name what is still needed; duties the guest cannot act on are the estate's own and stay unsaid. */
export function dutyWords(stay: StayView): readonly string[] {
  return (stay.decision?.duties ?? []).map((duty) => tOr(`app.duty.${duty.toLowerCase()}`, '')).filter(Boolean)
}

/** This will set what the browser's tab or WeChat's switcher shows. */
export function nameScreen(): void {
  uni.setNavigationBarTitle({ title: language.value === 'en' ? 'Linli 邻里' : t('app.name') })
}

export function labelOf(place: string | Place | null): string {
  return typeof place === 'string' ? place : (place?.label ?? '')
}
