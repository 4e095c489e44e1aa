declare module '*.vue' {
  import type { DefineComponent } from 'vue'
  const component: DefineComponent<Record<string, unknown>, Record<string, unknown>, unknown>
  export default component
}

interface ImportMetaEnv {
  /** Where the server is, for the mini program only: it has no page address to start from. */
  readonly VITE_LINLI_ORIGIN?: string
}
interface ImportMeta {
  readonly env: ImportMetaEnv
}
