/** Starts the page. The shell is painted before the host has answered anything. */
import { mount } from 'svelte';
import './styles/fonts.css';
import './styles/tokens.css';
import './styles/base.css';
import './styles/controls.css';
import App from './App.svelte';
import { ClusterState } from './api/cluster-state.svelte.ts';
import { createApi } from './api/create-api.ts';
import { AppContext } from './app/app-context.ts';
import { Dialogs } from './app/dialogs.svelte.ts';
import { Router } from './app/router.svelte.ts';
import { Theme } from './app/theme.svelte.ts';

const app = new AppContext({
  cluster: new ClusterState(createApi()),
  router: new Router(),
  theme: new Theme(),
  dialogs: new Dialogs(),
});

mount(App, { target: document.getElementById('app')!, props: { app } });
