import { send } from './http.ts';

export type ServiceName = 'auth' | 'media' | 'comments' | 'notifications';

/** Origin of each service. */
export type Addresses = Record<ServiceName, string>;

export async function loadAddresses(): Promise<Addresses> {
  const response = await send('/config.json');
  return response.json();
}
