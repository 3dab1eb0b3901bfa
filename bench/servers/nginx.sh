#!/bin/sh
# nginx with its defaults but no access log: nginx.sh DIRECTORY PORT [hello|echo]
#
# It takes no port of the system's choice and prints nothing when it listens, but writes its
# process id just after. One process without a master, so that ending it leaves no worker. An
# echo needs njs (Debian's libnginx-mod-http-js): nginx alone answers without reading a body.
set -eu
directory=$1
port=$2
module=
answer='default_type text/plain; return 200 "Hello, World!";'

mkdir -p "$directory"
rm -f "$directory/nginx.pid"
if [ "${3:-hello}" = echo ]; then
  module='load_module /usr/lib/nginx/modules/ngx_http_js_module.so;'
  answer='js_import echo.js; location / { js_content echo.echo; }'
  echo 'export default { echo: (r) => r.return(200, r.requestText || "") };' > "$directory/echo.js"
fi

cat > "$directory/nginx.conf" << END
$module
daemon off;
master_process off;
pid $directory/nginx.pid;
error_log stderr;
events {}
http {
  access_log off;
  client_body_temp_path $directory/body;
  proxy_temp_path $directory/proxy;
  fastcgi_temp_path $directory/fastcgi;
  uwsgi_temp_path $directory/uwsgi;
  scgi_temp_path $directory/scgi;
  server {
    listen 127.0.0.1:$port;
    $answer
  }
}
END

(
  while kill -0 $$ && ! [ -s "$directory/nginx.pid" ]; do sleep 0.05; done
  echo "port $port"
) &
exec nginx -p "$directory" -c "$directory/nginx.conf"
