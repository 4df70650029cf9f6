# Shared by the scripts that build for a JVM and for Android; not run by itself. Needs lib.sh.
# The quick JIT is the quicker one where a compiler runs once.
export MAVEN_OPTS=${MAVEN_OPTS:--XX:TieredStopAtLevel=1 -XX:+UseSerialGC}

need_maven() {
  command -v mvn >/dev/null 2>&1 && command -v javac >/dev/null 2>&1 ||
    die "Maven or a JDK is missing. On Debian or Ubuntu: sudo apt-get install maven openjdk-17-jdk-headless"
}

host_library() { # prints the folder of the host's library
  cargo build --locked --quiet -p cuba-ffi >&2
  printf '%s\n' "$TARGET/debug"
}

# Android's own artifacts, at exactly the versions of android/app/artifacts.txt: about 450 MB once.
fetch_android() { # fetch_android WORK
  local work=$1
  command -v unzip >/dev/null 2>&1 || die "unzip is missing. On Debian or Ubuntu: sudo apt-get install unzip"
  [ -e "$work/fetched" ] && cmp -s android/app/artifacts.txt "$work/fetched" && return
  say "fetching Android's libraries (once)"
  mkdir -p "$work"
  python3 android/app/pom.py android/app/artifacts.txt > "$work/artifacts.xml"
  mvn --quiet --batch-mode -f "$work/artifacts.xml" dependency:copy-dependencies -DoutputDirectory="$work/artifacts"
  python3 android/app/pom.py android/app/tests.txt > "$work/tests.xml"
  mvn --quiet --batch-mode -f "$work/tests.xml" dependency:build-classpath -Dmdep.outputFile="$work/tests.cp"
  python3 android/app/pom.py android/app/compiler.txt > "$work/compiler.xml"
  mvn --quiet --batch-mode -f "$work/compiler.xml" dependency:build-classpath -Dmdep.outputFile="$work/compiler.cp"
  mvn --quiet --batch-mode dependency:copy -DoutputDirectory="$work/robolectric" \
    -Dartifact=org.robolectric:android-all-instrumented:15-robolectric-13954326-i7
  # Carries an aapt2 for Linux.
  mvn --quiet --batch-mode dependency:copy -DoutputDirectory="$work" -Dartifact=org.apktool:apktool-lib:3.0.3
  unzip -q -o -j "$work/apktool-lib-3.0.3.jar" prebuilt/linux/aapt2 -d "$work" && chmod +x "$work/aapt2"
  cp android/app/artifacts.txt "$work/fetched"
}

kotlin_compiler() { # kotlin_compiler WORK ARGS...: the fast kind of JIT is the quicker one for a single run
  local work=$1
  shift
  java -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -cp "$(cat "$work/compiler.cp")" org.jetbrains.kotlin.cli.jvm.K2JVMCompiler \
    -jvm-target 17 -no-stdlib -no-reflect "$@"
}

framework() { tr ':' '\n' < "$1/tests.cp" | grep '/android-all-'; }

# Resources of the app and its libraries, then the sources of bindings, screen and app.
compile_app() { # compile_app WORK
  local work=$1 name archive packages= plugin
  rm -rf "$work"/{classes,generated,resources,libraries,r,assets} && mkdir -p "$work"/{generated,resources,libraries,r,assets/starter}
  cp -r models/starter/* "$work/assets/starter/"
  for archive in "$work"/artifacts/*; do
    name=$(basename "${archive%.*}")
    case $archive in
      *.jar) cp "$archive" "$work/libraries/" ;;
      *.aar)
        unzip -q -p "$archive" classes.jar > "$work/libraries/$name.jar"
        if unzip -Z1 "$archive" 'res/*' >/dev/null 2>&1; then
          unzip -q -o "$archive" 'res/*' -d "$work/resources/$name"
          "$work/aapt2" compile --dir "$work/resources/$name/res" -o "$work/resources/$name.zip"
        fi
        packages+=${packages:+:}$(unzip -p "$archive" AndroidManifest.xml | grep -oP '(?<=package=")[^"]+')
        ;;
    esac
  done
  "$work/aapt2" compile --dir android/app/src/main/res -o "$work/resources/app.zip"
  # What Gradle would add to the manifest. Providers of libraries are not merged in: nothing here starts by them.
  sed 's|<manifest |<manifest package="cuba.app" android:versionCode="1" android:versionName="0.1.0" |
    s|<application|<uses-sdk android:minSdkVersion="24" android:targetSdkVersion="36" />\n    <application|' \
    android/app/src/main/AndroidManifest.xml > "$work/AndroidManifest.xml"
  "$work/aapt2" link -o "$work/base.apk" -I "$(framework "$work")" --manifest "$work/AndroidManifest.xml" -A "$work/assets" -0 bin \
    --java "$work/generated" --extra-packages "$packages" --non-final-ids --auto-add-overlay \
    $(printf -- '-R %s ' "$work"/resources/*.zip)
  javac -nowarn -d "$work/r" -source 17 -target 17 $(find "$work/generated" -name '*.java') 2>/dev/null
  plugin=$(tr ':' '\n' < "$work/compiler.cp" | grep compose-compiler-plugin)
  printf '%s:' "$work"/libraries/*.jar "$work/r" > "$work/libraries.cp"
  kotlin_compiler "$work" -Xplugin="$plugin" -cp "$(cat "$work/libraries.cp" "$work/tests.cp")" -d "$work/classes" \
    bindings/kotlin/src/{main,generated}/kotlin android/ui/src/main/kotlin android/app/src/main/kotlin
}
