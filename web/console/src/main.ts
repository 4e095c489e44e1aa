import { createApp } from 'vue';
import './styles/element';
import './styles/base.css';
import App from './App.vue';
import { router } from './router';
import { recallSession } from './session';

await recallSession();
createApp(App).use(router).mount('#app');
