/** A dialog's title stands in a `header`, which beside the page's own would be announced as a second banner. */
export function quietHeader(): void {
  for (const header of document.querySelectorAll('.el-dialog__header')) header.setAttribute('role', 'presentation');
}
