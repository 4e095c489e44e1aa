import { createSSRApp } from 'vue'
import App from './App.vue'

/** This will make the app; uni-app mounts it on whichever platform it was built for. */
export function createApp() {
  return { app: createSSRApp(App) }
}
