import { runService } from '@tertulia/shared/runtime/service';
import { authService } from './service.ts';

await runService(authService, process.env);
