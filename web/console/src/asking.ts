/** Confirmations and short notices, in the page's language, over Element Plus's dialogs. */
import { ElMessage, ElMessageBox } from 'element-plus';
import { explain, explainFields } from './problems';
import { t } from './locale/language';

/** True when the person confirmed; closing the dialog in any way is a no. */
export async function confirmed(question: string, title: string, danger = false): Promise<boolean> {
  try {
    await ElMessageBox.confirm(question, title, {
      confirmButtonText: title, cancelButtonText: t('act.cancel'), autofocus: true,
      confirmButtonClass: danger ? 'l-danger-button' : '', customClass: 'l-ask',
    });
    return true;
  } catch {
    return false;
  }
}

/** The text given, or null when the person went back. `needed` is the complaint when it is left empty. */
export async function asked(question: string, title: string, label: string, needed: string | null, danger = false): Promise<string | null> {
  try {
    const answer = await ElMessageBox.prompt(question, title, {
      confirmButtonText: title, cancelButtonText: t('act.cancel'), inputPlaceholder: label, customClass: 'l-ask',
      confirmButtonClass: danger ? 'l-danger-button' : '',
      inputValidator: (text: string) => (needed && !text?.trim() ? needed : true),
    });
    return (answer.value ?? '').trim().slice(0, 500);
  } catch {
    return null;
  }
}

export function notice(text: string): void {
  ElMessage({ message: text, type: 'success', duration: 3500, grouping: true });
}

export function complain(trouble: unknown): void {
  const text = [explain(trouble), ...explainFields(trouble)].join('\n');
  ElMessage({ message: text, type: 'error', duration: 8000, showClose: true, grouping: true, customClass: 'l-complaint' });
}
