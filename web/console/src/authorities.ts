/** How the links to the authorities stand: a state in a word, reasons counted, and whose turn it is. No framework in here. */
import type { Link, PlatformNight } from './api/authorities';
import type { ReportRow } from './api/shapes';

/** The face layer is asked while a guest waits: it has no reports, and its switch is there before its first picture. */
export const FACE_LAYER = 'face_layer';

export interface LinkRow extends Link { heard: boolean }

export const linkRows = (links: readonly Link[]): LinkRow[] => [
  ...links.map((link) => ({ ...link, heard: true })),
  ...(links.some((link) => link.platform === FACE_LAYER)
    ? [] : [{ platform: FACE_LAYER, paused_at: null, paused_by: null, pause_reason: null, failing_since: null, failing_with: null, waiting: 0, heard: false }]),
];

/** A pause is somebody's decision and hides whether the platform would answer: it is named first. */
export function linkState(link: LinkRow): 'PAUSED' | 'FAILING' | 'QUIET' | 'WORKING' {
  if (link.paused_at) return 'PAUSED';
  if (link.failing_since) return 'FAILING';
  return link.heard ? 'WORKING' : 'QUIET';
}

/** Figures that agree among ourselves are not even while a platform that counts could not be reached. */
export const evenAt = (night: Pick<PlatformNight, 'known'>): 'EVEN' | 'UNKNOWN' => (night.known === false ? 'UNKNOWN' : 'EVEN');

export const evennessOf = (night: Pick<PlatformNight, 'known' | 'differences' | 'silent' | 'units'>): 'EVEN' | 'UNEVEN' | 'UNKNOWN' =>
  (night.differences > 0 || night.silent > 0 || night.units.some((unit) => !unit.even) ? 'UNEVEN' : evenAt(night));

export interface HeldUp { reason: string; says: ReportRow['says']; count: number; platforms: string[] }

/** What waits for a person, by its reason, the most first. */
export function byReason(rows: readonly Pick<ReportRow, 'reason' | 'says' | 'platform'>[]): HeldUp[] {
  const found = new Map<string, HeldUp>();
  for (const row of rows) {
    const reason = row.reason ?? '';
    const held = found.get(reason) ?? { reason, says: row.says, count: 0, platforms: [] };
    held.count += 1;
    if (!held.platforms.includes(row.platform)) held.platforms.push(row.platform);
    found.set(reason, held);
  }
  return [...found.values()].sort((a, b) => b.count - a.count || a.reason.localeCompare(b.reason));
}

/** What stands behind another report moves by itself once that one is settled. */
export const canSendAgain = (reason: string | null | undefined): boolean => reason !== 'behind_another';

interface GrantLike { role: string; scope: string }

/** An answer is its owner's to give: the office's by those who run the estate, an operator's by that operator. */
export const mayAnswer = (grants: readonly GrantLike[], owner: string): boolean =>
  grants.some((grant) => (owner === 'office' ? grant.role === 'office' || grant.role === 'estate_admin' : grant.role === 'operator' && grant.scope === owner));

/** What may be ordered of a peer (SubscribeDetail): its devices and their state. The server refuses anything else; here nothing else is offered. */
export const DETAILS = ['3', '4'] as const;
export const endsByHand = (order: { state: string }): boolean => ['ORDERED', 'ACTIVE'].includes(order.state);
export const onlineState = (online: boolean | null): 'ONLINE' | 'OFFLINE' | 'UNKNOWN' => (online === null ? 'UNKNOWN' : online ? 'ONLINE' : 'OFFLINE');
