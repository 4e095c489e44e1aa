import { createApp } from 'vue';
import './styles/element';
import './styles/base.css';
import App from './App.vue';
import { router } from './router';
import { recallSession } from './session';

// After an upgrade an open page asks for files that are gone: read the page anew, but never twice in a minute.
window.addEventListener('vite:preloadError', (event) => {
  const last = Number(sessionStorage.getItem('linli.reloaded') ?? 0);
  if (Date.now() - last < 60_000) return;
  event.preventDefault();
  sessionStorage.setItem('linli.reloaded', String(Date.now()));
  window.location.reload();
});

await recallSession();
createApp(App).use(router).mount('#app');
