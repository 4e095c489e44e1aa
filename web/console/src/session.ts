/** Who is signed in, and what follows from it. */
import { computed, reactive } from 'vue';
import { onSignedOut, Problem } from './api/client';
import { session as api } from './api/linli';
import type { Grant, Whoami } from './api/shapes';
import { startStream, stopStream } from './live/stream';
import { mayDo, maySee, type Deed, type Place } from './permissions';

export const session = reactive({
  who: null as Whoami | null,
  /** The session ran out while somebody was working: say so at the door. */
  ended: false,
});

const NO_GRANTS: readonly Grant[] = [];
export const grants = computed<readonly Grant[]>(() => session.who?.roles ?? NO_GRANTS);
export const can = (deed: Deed): boolean => mayDo(grants.value, deed);
export const sees = (place: Place): boolean => maySee(grants.value, place);

function enter(who: Whoami): void {
  session.who = who;
  session.ended = false;
  if (sees('overview')) startStream();
}

function leave(): void {
  stopStream();
  session.who = null;
}

/** Asks once, at the start; being nobody is a normal answer. It also makes the server set the CSRF cookie. */
export async function recallSession(): Promise<void> {
  try {
    const who = await api.get();
    if (who?.username) enter(who);
  } catch (trouble) {
    if (!(trouble instanceof Problem)) throw trouble;
  }
}

export async function signIn(username: string, password: string): Promise<void> {
  enter(await api.start(username, password));
}

export async function signOut(): Promise<void> {
  try {
    await api.end();
  } finally {
    leave();
  }
}

onSignedOut(() => {
  if (!session.who) return;
  leave();
  session.ended = true;
});
